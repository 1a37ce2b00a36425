"""store_errors: what object stores answer, as DataErrors."""

from __future__ import annotations

import re

from seqjobs.errors import DataError
from seqjobs.errors.printable import printable

MESSAGE_LENGTH = 300

# The words of Arrow's messages are all there is to tell them apart.
_REFUSED = re.compile(
    r"AWS Error ((?:ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_SIGNATURE|"
    r"INVALID_CLIENT_TOKEN_ID|UNRECOGNIZED_CLIENT|MISSING_AUTHENTICATION_TOKEN|REQUEST_EXPIRED)\b|"
    r"UNKNOWN \(HTTP status 40[13]\))"
)
_SILENT = re.compile(r"AWS Error NETWORK_CONNECTION during \w+ operation: (?:.*?Details: )?(.*)")


def unreachable(name: str, message: str) -> DataError:
    """The error E401 for a store that does not give what it is asked for; `name` is the path that was asked for."""
    line = printable((message.strip().splitlines() or ["no reason given"])[0]).rstrip(".")
    if refused := _REFUSED.search(line):
        what = f"the store refuses access ({refused[1]})"
        fix = (
            "put credentials that may read it into the environment, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
            "what anyone may read needs data.storage.anonymous: true."
        )
    elif silent := _SILENT.search(line):
        what = f"the store cannot be reached: {silent[1][:MESSAGE_LENGTH]}"
        fix = (
            "see to the network and to data.storage.endpoint, or AWS_ENDPOINT_URL in the environment; it begins with "
            "http:// where the store has no TLS."
        )
    else:
        what = f"the store cannot be read: {line[:MESSAGE_LENGTH]}"
        fix = "see to the path and the credentials in the environment; data.storage has region and endpoint."
    return DataError("E401", what, where=printable(name), fix=fix)
