"""The egress guard against addresses that a peer could name to reach what it must not."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.adapters.egress import EgressGuard
from ferry.domain.faults import EffectFailed, FaultCode

PUBLIC = "93.184.215.14"

NAMES: Mapping[str, Sequence[str]] = {
    "provider.example": [PUBLIC],
    "both.example": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", PUBLIC],
    "store.blob.core.windows.net": [PUBLIC],
    "localhost": ["127.0.0.1", "::1"],
    "account.localhost": ["127.0.0.1"],
    "private-link.blob.core.windows.net": ["10.1.2.3"],
    "liar.localhost": [PUBLIC],
    "xn--prvider-q0a.example": [PUBLIC],
    "loopback.example": ["127.0.0.1"],
    "mixed.example": [PUBLIC, "10.0.0.1"],
    "odd.example": ["not an address"],
}

# Addresses that a name might be pointed at (DNS rebinding and the like).
FORBIDDEN_ADDRESSES = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.9.10",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.215.14",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "5f00::1",
]

# Well formed, and not hostile but for the host.
OTHER_HOSTS = [
    "https://other.example/",
    "https://provider.example.evil.example/",
    "https://evilprovider.example/",
    "https://evil-blob.core.windows.net/",
    "https://blob.core.windows.net/",
]

HOSTILE_URLS = [
    *OTHER_HOSTS,
    "",
    "provider.example",
    "//provider.example/dsp",
    "https:provider.example",
    "https:/provider.example",
    "https:///provider.example",
    "http://provider.example/dsp",
    "ftp://provider.example/",
    "file:///etc/passwd",
    "gopher://provider.example/",
    "javascript:alert(1)",
    "unix://provider.example/",
    "https+unix://provider.example/",
    "https://provider.example:8443/",
    "https://provider.example:22/",
    "https://provider.example:0/",
    "https://provider.example:65536/",
    "https://provider.example:99999999/",
    "https://provider.example:/",
    "https://provider.example:+443/",
    "https://provider.example:-1/",
    "https://provider.example:0x1bb/",
    "https://provider.example:\uff14\uff14\uff13/",
    "https://user@provider.example/",
    "https://user:password@provider.example/",
    "https://@provider.example/",
    "https://provider.example@evil.example/",
    "https://evil.example\\@provider.example/",
    "https://evil.example#@provider.example/",
    "https://provider.example#@evil.example/",
    "https://provider.example\\.evil.example/",
    "https://provider.example /",
    " https://provider.example/",
    "https://provider.example/\r\nHost: evil.example",
    "https://provider.example\t/",
    "https://provider.exa\nmple/",
    "https://provider.example\x00.evil.example/",
    "https://provider.example\u3002evil.example/",
    "https://\uff50rovider.example/",
    "https://prov\u0456der.example/",
    "https://provider.example\u200b/",
    "https://provider%2eexample/",
    "https://provider.example%00.evil.example/",
    "https://provider.example%40evil.example/",
    "https://provider.example./",
    "https://.provider.example/",
    "https://provider..example/",
    "https://-provider.example/",
    "https://provider_x.example/",
    "https://*/",
    f"https://{'a' * 64}.example/",
    f"https://{'a.' * 127}example/",
    f"https://provider.example/{'a' * 5000}",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://account.localhost/",
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.01/",
    "https://127.0.0.1.5/",
    "https://127.0.0.0x1/",
    "https://0/",
    "https://0x/",
    "https://256.1.1.1/",
    "https://127.0.0.1./",
    "https://10.0.0.1/",
    "https://169.254.169.254/metadata/instance",
    "https://168.63.129.16/",
    "https://93.184.215.14/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://::1/",
    "https://[::1]evil.example/",
    "https://[v1.x]/",
    "https://[]/",
    "https://[provider.example]/",
]

ALLOWED_HOSTS = ("provider.example", "both.example", ".blob.core.windows.net", "known.example:8443", "PORT.example")


def _guard(
    *,
    allowed_hosts: Sequence[str] = ALLOWED_HOSTS,
    names: Mapping[str, Sequence[str]] = NAMES,
    allow_loopback: bool = False,
    allowed_networks: Sequence[str] = (),
) -> EgressGuard:
    def resolver(host: str, port: int) -> Sequence[str]:
        del port
        return names.get(host, [])

    return EgressGuard(
        allowed_hosts, allow_loopback=allow_loopback, allowed_networks=allowed_networks, resolver=resolver
    )


def _refusal(guard: EgressGuard, url: str) -> EffectFailed:
    with pytest.raises(EffectFailed) as refused:
        guard.check(url)
    return refused.value


def test_corpus_is_large_enough() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 60


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_hostile_url_is_forbidden_for_good(url: str) -> None:
    fault = _refusal(_guard(), url).fault

    assert (fault.code, fault.retryable) == (FaultCode.ADDRESS_FORBIDDEN, False)
    assert "may not be called: " in fault.message
    assert "password" not in fault.message


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_hostile_url_is_forbidden_where_every_host_is_allowed_unless_it_is_just_another_host(url: str) -> None:
    fault = _refusal(_guard(allowed_hosts=["*"]), url).fault

    assert fault.code == (FaultCode.PEER_UNREACHABLE if url in OTHER_HOSTS else FaultCode.ADDRESS_FORBIDDEN)


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES)
@pytest.mark.parametrize("entry", ["provider.example", "*"])
def test_allowed_name_that_leads_to_a_forbidden_address_is_forbidden(address: str, entry: str) -> None:
    guard = _guard(allowed_hosts=[entry], names={"provider.example": [PUBLIC, address]})

    assert _refusal(guard, "https://provider.example/").fault.code == FaultCode.ADDRESS_FORBIDDEN


@pytest.mark.parametrize("address", [it for it in FORBIDDEN_ADDRESSES if "%" not in it])
def test_forbidden_address_is_forbidden_even_if_it_is_listed_and_literal(address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    guard = _guard(allowed_hosts=[address, literal])

    assert _refusal(guard, f"https://{literal}/").fault.code == FaultCode.ADDRESS_FORBIDDEN


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://provider.example/dsp", "provider.example", 443),
        ("HTTPS://Provider.EXAMPLE:443", "provider.example", 443),
        ("https://provider.example?x=1", "provider.example", 443),
        ("https://provider.example/@user:1/x?y=https://evil.example", "provider.example", 443),
        ("https://store.blob.core.windows.net/container", "store.blob.core.windows.net", 443),
    ],
)
def test_allowed_url_gets_its_addresses(url: str, host: str, port: int) -> None:
    checked = _guard().check(url)

    assert (checked.url, checked.scheme, checked.host, checked.port) == (url, "https", host, port)
    assert checked.addresses == (PUBLIC,)


def test_every_address_of_a_host_is_given() -> None:
    assert _guard().check("https://both.example/").addresses == ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", PUBLIC)


def test_port_is_allowed_where_it_is_listed() -> None:
    guard = _guard(names={"known.example": [PUBLIC]})

    assert guard.check("https://known.example:8443/").port == 8443
    assert _refusal(guard, "https://known.example/").fault.code == FaultCode.ADDRESS_FORBIDDEN


def test_public_literal_is_allowed_only_where_it_is_listed() -> None:
    assert _guard(allowed_hosts=[PUBLIC]).check(f"https://{PUBLIC}/").addresses == (PUBLIC,)
    assert _refusal(_guard(allowed_hosts=["*"]), f"https://{PUBLIC}/").fault.code == FaultCode.ADDRESS_FORBIDDEN


def test_name_in_punycode_is_allowed_only_where_it_is_listed() -> None:
    url = "https://xn--prvider-q0a.example/"

    assert _guard(allowed_hosts=["xn--prvider-q0a.example"]).check(url).addresses == (PUBLIC,)
    assert _refusal(_guard(allowed_hosts=["*"]), url).fault.code == FaultCode.ADDRESS_FORBIDDEN


def test_private_network_is_allowed_where_the_settings_say_so() -> None:
    url = "https://private-link.blob.core.windows.net/"

    assert _guard(allowed_networks=["10.1.0.0/16"]).check(url).addresses == ("10.1.2.3",)
    assert _refusal(_guard(allowed_networks=["10.2.0.0/16"]), url).fault.code == FaultCode.ADDRESS_FORBIDDEN
    assert _refusal(_guard(), url).fault.code == FaultCode.ADDRESS_FORBIDDEN


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:7071/api/dsp",
        "http://localhost:10000/",
        "https://localhost:8443/",
        "http://account.localhost:10000/container",
        "http://[::1]:7071/",
    ],
)
def test_local_profile_allows_this_machine_on_any_port(url: str) -> None:
    assert _guard(allow_loopback=True).check(url).addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://provider.example/",
        "http://liar.localhost/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://127.1/",
        "http://0.0.0.0/",
        "http://loopback.example/",
        "http://169.254.169.254/",
        "ftp://localhost/",
    ],
)
def test_local_profile_allows_nothing_else(url: str) -> None:
    assert _refusal(_guard(allow_loopback=True), url).fault.code == FaultCode.ADDRESS_FORBIDDEN


def test_no_host_is_allowed_by_default() -> None:
    assert _refusal(_guard(allowed_hosts=[]), "https://provider.example/").fault.code == FaultCode.ADDRESS_FORBIDDEN


@pytest.mark.parametrize("host", ["mixed.example", "odd.example"])
def test_one_bad_address_is_enough(host: str) -> None:
    assert _refusal(_guard(allowed_hosts=[host]), f"https://{host}/").fault.code == FaultCode.ADDRESS_FORBIDDEN


def test_name_without_an_address_may_have_one_later() -> None:
    fault = _refusal(_guard(allowed_hosts=["unknown.example"]), "https://unknown.example/").fault

    assert (fault.code, fault.retryable) == (FaultCode.PEER_UNREACHABLE, True)


def test_form_is_checked_without_resolving() -> None:
    guard = _guard(allowed_hosts=["unknown.example"])

    assert guard.admit("https://unknown.example/x").addresses == ()


@given(st.text(max_size=40) | st.from_regex(r"https?://[0-9a-fx.:@\[\]]{1,20}(:\d{1,5})?/?", fullmatch=True))
def test_any_text_is_forbidden_or_unreachable(text: str) -> None:
    fault = _refusal(_guard(allowed_hosts=["*"]), text).fault

    assert fault.code in (FaultCode.ADDRESS_FORBIDDEN, FaultCode.PEER_UNREACHABLE)
