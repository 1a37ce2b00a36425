"""Addresses in specs: no spelling of an address that serves credentials passes, and no secret is in one."""

from __future__ import annotations

import socket

import pytest

from seqjobs.errors import DataError
from seqjobs.jobspec.data_section import checked_paths
from seqjobs.jobspec.load import load_job
from tests.bad_input.expectation import SPECS

CREDENTIALS = [
    *("169.254.169.254", "169.254.169.254.", "169.254.170.2", "169.254.170.23", "169.254.0.23", "169.254.42.42"),
    *("2852039166", "0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "169.254.43518", "169.0xfe.43518"),
    *("[fe80::1]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[FE80::A9FE:A9FE]", "[fd00:ec2::254]", "[fd00:ec2::23]"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::a9fe:a9fe]", "[64:ff9b::169.254.169.254]"),
    *("[2002:a9fe:a9fe::1]", "[64:ff9b:1::a9fe:a9fe]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[fd20:ce::254]"),
    *(
        "%31%36%39.254.169.254",
        "169%2E254%2E169%2E254",
        "169\u3002254\u3002169\u3002254",
        "169.254\uff61169.254",
        "\uff11\uff16\uff19\uff0e254.169.254",
    ),
    *("metadata.google.internal", "METADATA.GOOGLE.INTERNAL.", "metadata.goog", "metadata", "metadata.tencentyun.com"),
    *("instance-data", "instance-data.ec2.internal", "api.metadata.cloud.ibm.com", "rancher-metadata"),
    *("168.63.129.16", "0xA83F8110", "100.100.100.200", "0x646464C8.", "192.0.0.192", "[fd00:a9fe:a9fe::1]"),
]
OTHERS = [
    *("localhost", "127.0.0.1", "127.1", "0x7f.1", "[::1]", "10.0.0.1", "minio", "store.example", "100.100.100.201"),
    *("168.63.129.17", "169.253.169.254", "metadatastore.example", "s3.metadata.example", "[fd00::254]", "170.254.1.1"),
]


def codes(endpoint: str) -> set[str]:
    """What is found wrong with `data.storage.endpoint`."""
    overrides = ("data.train=s3://bucket/rows.parquet", f"data.storage.endpoint={endpoint!r}")
    try:
        load_job(SPECS / "accepted_the_right_spec.yaml", overrides)
    except ValueError as error:
        return set(getattr(error, "codes", (str(error),)))
    return set()


@pytest.mark.parametrize("host", CREDENTIALS)
def test_no_spelling_of_an_address_of_credentials_passes(host: str) -> None:
    for endpoint in (host, f"http://{host}", f"https://{host}:8080"):
        assert codes(endpoint) == {"E707"}, endpoint
    for path in (f"abfs://data@{host}/x.parquet", f"hdfs://{host}:8020/x.parquet"):
        with pytest.raises(DataError) as caught:
            checked_paths([path])
        assert caught.value.code == "E707", path


@pytest.mark.parametrize("host", OTHERS)
def test_other_hosts_pass(host: str) -> None:
    assert codes(f"http://{host}:9000") == set()


@pytest.mark.parametrize(
    "number",
    ["0", "1", "0177.1", "0x7f000001", "1.2", "1.2.3", "4294967295", "0251.254.1", "0xA9.0xfe1234", "169.16689193",
     "0251.0376.0251.0376", "169.0376.0xa9fe", "2851995648", "2852061183", "2852061184", "0xa9feffff", "024777777777"],
)  # fmt: skip
def test_numbers_are_read_as_by_the_system(number: str) -> None:
    is_link_local = socket.inet_aton(number)[:2] == bytes([169, 254])
    assert codes(number) == ({"E707"} if is_link_local else set())


@pytest.mark.parametrize(
    "path",
    [
        "abfs://data@account?blob_storage_authority=.example/x.parquet",
        "abfs://data@account.example?/x.parquet",
        "abfs://data@account.example#/x.parquet",
        "abfs://data@account%2Eexample/x.parquet",
        "abfs://data@[::1]:80/x.parquet",
        "abfs://data@account example/x.parquet",
        "abfs://data@ключ/x.parquet",
        "abfs://da%74a@account/x.parquet",
        "abfs://a@b@account/x.parquet",
        "abfs://data@account:port/x.parquet",
        "hdfs://host?user=root/x.parquet",
        "hdfs://host\\x/x.parquet",
        "s3://bucket?endpoint_override=example/x.parquet",
    ],
)
def test_an_authority_has_no_odd_characters(path: str) -> None:
    with pytest.raises(DataError) as caught:
        checked_paths([path])
    assert caught.value.code == "E401", path


@pytest.mark.parametrize(
    "path",
    [
        "abfs://data@account.dfs.core.windows.net/x.parquet",
        "abfss://data@account/x.parquet",
        "abfs://$root@account/x.parquet",
        "hdfs:///x.parquet",
        "hdfs://cluster_1/x.parquet",
        "hdfs://me@host:8020/x.parquet",
        "s3://bucket/year=2024/token=1/?.parquet",
    ],
)
def test_other_authorities_pass(path: str) -> None:
    assert checked_paths([path]) == (path,)


@pytest.mark.parametrize(
    "name",
    ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "AWSAccessKeyId", "Signature", "sig", "token",
     "access_token", "X-Goog-Signature", "GoogleAccessId", "api_key", "password", "X%2DAmz%2DSignature", "SIG",
     "client_secret", "sas_token", "account_key"],
)  # fmt: skip
@pytest.mark.parametrize(
    "begin", ["https://bucket.example/x.csv?a=1&", "s3://bucket/x.csv?", "abfs://c@host?", "x.csv?"]
)
def test_a_secret_in_the_query_of_an_address_is_refused_and_not_shown(begin: str, name: str) -> None:
    with pytest.raises(DataError) as caught:
        checked_paths([f"{begin}{name}=hunter2&b=2"])
    assert caught.value.code == "E709"
    assert "hunter2" not in str(caught.value)
    assert codes(f"http://host?{name}=hunter2") == {"E709"}
