"""What every BlobSides does; a test module gives the fixture `sides` and subclasses these."""

import base64
from dataclasses import replace

import pytest

from ferry.ports.blob_sides import BlockRange, WireAnswer, WireRefused
from tests.contract.sides_backend import HEADERS, SidesBackend

NAMES = ["a", "b/#?%&+ '\"<>", "b/~.-_!$()*,;=@[]", "b/ü ö/日本.txt", "c d"]
BLOCKS = [base64.b64encode(f"block-{number:04d}".encode()).decode() for number in range(3)]


class _Containers:
    @pytest.fixture
    def container(self, sides: SidesBackend, unique_name: str) -> str:
        """One on each side, of the same name."""
        for account in (sides.storage.source, sides.storage.destination):
            sides.storage.storage.create_container(account, unique_name, "process-1")
        return unique_name


class SourceSuite(_Containers):
    """Listing, looking, reading."""

    def test_listing_gives_names_in_order_page_by_page(self, sides: SidesBackend, container: str) -> None:
        for name in NAMES:
            sides.seed(container, name, name.encode())

        async def pages() -> list[list[str]]:
            source, found, after = sides.source(container), list[list[str]](), None
            while True:
                page = await source.list_page("", after=after, limit=2)
                found.append([item.name for item in page.items])
                if page.next_marker is None:
                    return found
                after = page.next_marker

        assert sides.run(pages) == [NAMES[:2], NAMES[2:4], NAMES[4:]]

    @pytest.mark.parametrize(
        ("prefix", "found"), [("b/", NAMES[1:4]), ("b/ü", NAMES[3:4]), ("b/#?%&", NAMES[1:2]), ("x", [])]
    )
    def test_listing_of_a_prefix_gives_what_begins_like_that(
        self, sides: SidesBackend, container: str, prefix: str, found: list[str]
    ) -> None:
        for name in NAMES:
            sides.seed(container, name, b"1")
        page = sides.run(lambda: sides.source(container).list_page(prefix, after=None))
        assert ([item.name for item in page.items], page.next_marker) == (found, None)

    def test_listing_head_and_storage_tell_the_same_of_a_blob(self, sides: SidesBackend, container: str) -> None:
        for name, content in (("empty", b""), ("full", b"12345")):
            sides.seed(container, name, content, HEADERS)
        source = sides.source(container)

        async def both() -> tuple[object, ...]:
            page = await source.list_page("", after=None)
            return (page.items, (await source.head("empty"), await source.head("full")))

        expected = (sides.item(container, "empty"), sides.item(container, "full"))
        assert sides.run(both) == (expected, expected)
        assert expected[1].headers == HEADERS

    def test_blob_that_is_not_there_is_none(self, sides: SidesBackend, container: str) -> None:
        assert sides.run(lambda: sides.source(container).head("gone")) is None

    def test_container_that_is_not_there_is_told(self, sides: SidesBackend, unique_name: str) -> None:
        source = sides.source(unique_name)
        for ask in (lambda: source.list_page("", after=None), lambda: source.head("a")):
            with pytest.raises(WireRefused) as caught:
                sides.run(ask)
            assert (caught.value.answer.status, caught.value.answer.code) == (404, "ContainerNotFound")

    @pytest.mark.parametrize(
        ("start", "size_bytes", "found"),
        [(0, 10, b"0123456789"), (0, 3, b"012"), (7, 3, b"789"), (7, 10, b"789"), (10, 5, b""), (99, 1, b"")],
    )
    def test_read_gives_the_range_that_there_is(
        self, sides: SidesBackend, container: str, start: int, size_bytes: int, found: bytes
    ) -> None:
        sides.seed(container, "ü", b"0123456789")
        item = sides.item(container, "ü")
        assert sides.run(lambda: sides.source(container).read(item, start, size_bytes)) == found

    def test_empty_blob_is_read_and_streamed_as_nothing(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"")
        item = sides.item(container, "a")
        assert sides.run(lambda: sides.source(container).read(item, 0, 0)) == b""
        assert sides.run(lambda: streamed(sides, container, "a")) == b""

    def test_large_read_and_stream_give_all_bytes(self, sides: SidesBackend, container: str) -> None:
        content = bytes(range(256)) * 4 * 5000
        sides.seed(container, "a", content)
        item = sides.item(container, "a")
        assert sides.run(lambda: sides.source(container).read(item, 0, len(content))) == content
        assert sides.run(lambda: streamed(sides, container, "a")) == content

    def test_stream_that_nobody_finishes_harms_no_later_read(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"x" * 5_000_000)
        item, source = sides.item(container, "a"), sides.source(container)

        async def leave() -> bytes:
            async with source.stream(item) as chunks:
                async for _ in chunks:
                    break
            return await source.read(item, 0, 2)

        assert sides.run(leave) == b"xx"

    def test_other_version_is_not_read(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"old")
        item, source = sides.item(container, "a"), sides.source(container)
        sides.seed(container, "a", b"new")

        async def stream() -> None:
            async with source.stream(item):
                pass

        for ask in (lambda: source.read(item, 0, 3), lambda: source.read(item, 1, 1), stream):
            with pytest.raises(WireRefused) as caught:
                sides.run(ask)
            assert (caught.value.answer.status, caught.value.answer.code) == (412, "ConditionNotMet")

    def test_blob_that_has_gone_is_not_read(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"old")
        item = sides.item(container, "a")
        sides.storage.storage.delete_blob(sides.storage.source, container, "a")
        with pytest.raises(WireRefused) as caught:
            sides.run(lambda: sides.source(container).read(item, 0, 3))
        # Some services answer the condition first.
        assert caught.value.answer.status in (404, 412)

    def test_source_reads_ranges_once_it_is_prepared(self, sides: SidesBackend, container: str) -> None:
        source = sides.source(container)
        sides.run(source.prepare)
        assert source.reads_ranges

    def test_source_that_gives_no_addresses_gives_none(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"1")
        assert sides.source(container, gives_urls=False).url(sides.item(container, "a")) is None

    @pytest.mark.parametrize("name", NAMES)
    def test_address_of_a_blob_reads_that_blob_alone(self, sides: SidesBackend, container: str, name: str) -> None:
        sides.seed(container, name, b"1")
        sides.seed(container, "other", b"2")
        url = sides.source(container).url(sides.item(container, name))
        assert url is not None
        assert url.reveal().startswith(f"{sides.storage.source.endpoint}/{container}/")
        given = sides.sides.source_at(url)
        found = sides.run(lambda: given.head(name))
        assert found is not None
        assert sides.run(lambda: given.read(found, 0, 1)) == b"1"
        other = sides.sides.source_at(type(url)(f"{sides.storage.source.endpoint}/{container}/other?{query_of(url)}"))
        with pytest.raises(WireRefused) as caught:
            sides.run(lambda: other.head("other"))
        assert caught.value.answer.status == 403


class AddressSuite(_Containers):
    """Sources that an address names."""

    def test_address_of_a_container_lists_and_reads_it(self, sides: SidesBackend, container: str) -> None:
        for name in NAMES:
            sides.seed(container, name, name.encode())
        source = sides.sides.source_at(sides.address(container))

        async def contents() -> dict[str, bytes]:
            page = await source.list_page("", after=None)
            return {item.name: await source.read(item, 0, item.size_bytes) for item in page.items}

        assert sides.run(contents) == {name: name.encode() for name in NAMES}
        assert source.endpoint == sides.storage.source.endpoint

    def test_address_of_a_blob_shows_that_one(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "f/a.txt", b"12", HEADERS)
        source = sides.sides.source_at(sides.address(container, "f/a.txt", "r"))
        sides.run(source.prepare)
        page = sides.run(lambda: source.list_page("f/", after=None))
        assert (page.items, page.next_marker) == ((sides.item(container, "f/a.txt"),), None)
        assert source.reads_ranges
        assert source.endpoint == sides.storage.source.endpoint
        assert sides.run(lambda: source.list_page("x", after=None)).items == ()
        assert sides.run(lambda: source.head("b")) is None

    def test_address_that_may_not_list_says_so(self, sides: SidesBackend, container: str) -> None:
        source = sides.sides.source_at(sides.address(container, None, "r"))
        with pytest.raises(WireRefused) as caught:
            sides.run(lambda: source.list_page("", after=None))
        assert caught.value.answer.status == 403


class DestinationSuite(_Containers):
    """Writing, with bytes and from addresses."""

    @pytest.mark.parametrize("name", NAMES)
    def test_bytes_are_put_with_all_that_the_item_holds(self, sides: SidesBackend, container: str, name: str) -> None:
        sides.seed(container, name, b"12345", HEADERS)
        item = sides.item(container, name)
        answer = sides.run(lambda: sides.destination(container).put(name, b"12345", item, overwrite=False))
        assert told(answer) == (201, "")
        found = sides.delivered_item(container, name)
        assert (found.size_bytes, found.headers, found.content_md5) == (5, HEADERS, item.content_md5)
        assert answer.headers["etag"] == found.etag

    def test_blob_that_is_there_is_written_over_only_where_that_is_asked_for(
        self, sides: SidesBackend, container: str
    ) -> None:
        sides.seed(container, "a", b"1")
        item, destination = sides.item(container, "a"), sides.destination(container)

        async def thrice() -> list[tuple[int, str]]:
            return [
                told(await destination.put("a", content, item, overwrite=overwrite))
                for content, overwrite in ((b"1", False), (b"2", False), (b"3", True))
            ]

        assert sides.run(thrice) == [(201, ""), (409, "BlobAlreadyExists"), (201, "")]
        assert sides.storage.delivered(container) == {"a": b"3"}

    def test_blocks_are_staged_and_become_a_blob_in_the_order_of_the_commit(
        self, sides: SidesBackend, container: str
    ) -> None:
        sides.seed(container, "a", b"zzzyyyxxx", HEADERS)
        item, destination = sides.item(container, "a"), sides.destination(container, "rcwl")

        async def build() -> tuple[list[int], dict[str, int], tuple[int, str]]:
            staged = [
                (await destination.stage("a", content, BlockRange(block_id, 0, 3))).status
                for block_id, content in zip(BLOCKS, (b"xxx", b"yyy", b"zzz"), strict=True)
            ]
            uncommitted = dict(await destination.staged("a"))
            commit = await destination.commit("a", BLOCKS[::-1], item, content_md5=b"0" * 16, overwrite=False)
            return staged, uncommitted, told(commit)

        assert sides.run(build) == ([201] * 3, dict.fromkeys(BLOCKS, 3), (201, ""))
        found = sides.delivered_item(container, "a")
        assert sides.storage.delivered(container) == {"a": b"zzzyyyxxx"}
        assert (found.headers, found.content_md5) == (HEADERS, base64.b64encode(b"0" * 16).decode())

    def test_commit_of_a_block_that_was_never_staged_is_refused(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"1")
        item, destination = sides.item(container, "a"), sides.destination(container)
        answer = sides.run(lambda: destination.commit("a", BLOCKS[:1], item, content_md5=None, overwrite=False))
        assert told(answer) == (400, "InvalidBlockList")

    def test_commit_over_a_blob_is_refused_unless_it_is_asked_for(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"1")
        item, destination = sides.item(container, "a"), sides.destination(container)

        async def twice() -> list[int]:
            await destination.put("a", b"old", item, overwrite=False)
            statuses: list[int] = []
            for overwrite in (False, True):
                await destination.stage("a", b"new", BlockRange(BLOCKS[0], 0, 3))
                answer = await destination.commit("a", BLOCKS[:1], item, content_md5=None, overwrite=overwrite)
                statuses.append(answer.status)
            return statuses

        refused, done = sides.run(twice)
        assert (refused in (409, 412), done) == (True, 201)
        assert sides.storage.delivered(container) == {"a": b"new"}

    def test_staged_blocks_of_a_blob_that_nobody_began_are_none(self, sides: SidesBackend, container: str) -> None:
        assert sides.run(lambda: sides.destination(container, "rcw").staged("a")) == {}

    def test_staged_blocks_are_not_shown_to_who_may_only_write(self, sides: SidesBackend, container: str) -> None:
        with pytest.raises(WireRefused) as caught:
            sides.run(lambda: sides.destination(container).staged("a"))
        assert caught.value.answer.status == 403

    def test_listing_shows_what_was_delivered_to_who_may_list(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"1")
        item = sides.item(container, "a")

        async def put_and_list() -> list[str]:
            destination = sides.destination(container, "rcwl")
            await destination.put("a", b"1", item, overwrite=False)
            return [found.name for found in (await destination.list_page("", after=None)).items]

        assert sides.run(put_and_list) == ["a"]
        with pytest.raises(WireRefused):
            sides.run(lambda: sides.destination(container).list_page("", after=None))

    def test_sas_that_has_ended_is_refused(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"1")
        item, destination = sides.item(container, "a"), sides.destination(container, minutes=-1)
        answer = sides.run(lambda: destination.put("a", b"1", item, overwrite=False))
        assert (answer.status, answer.code in ("AuthenticationFailed", "AuthorizationFailure")) == (403, True)

    def test_container_that_is_gone_is_told(self, sides: SidesBackend, container: str, unique_name: str) -> None:
        sides.seed(container, "a", b"1")
        item, destination = sides.item(container, "a"), sides.destination(f"{unique_name}-x")
        answer = sides.run(lambda: destination.put("a", b"1", item, overwrite=False))
        assert told(answer) == (404, "ContainerNotFound")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"metadata": {"not-a-name": "1"}}, "InvalidMetadata"),
            ({"metadata": {"a": "x\r\nx-ms-blob-type: PageBlob"}}, "InvalidHeaderValue"),
            ({"metadata": {"a": "x" * 9000}}, "MetadataTooLarge"),
            ({"content_type": "text/plain\r\nx-ms-lease-id: 1"}, "InvalidHeaderValue"),
        ],
    )
    def test_headers_that_cannot_be_sent_are_refused_by_name(
        self, sides: SidesBackend, container: str, change: dict[str, object], code: str
    ) -> None:
        sides.seed(container, "a", b"1")
        item = replace(sides.item(container, "a"), headers=replace(HEADERS, **change))
        answer = sides.run(lambda: sides.destination(container).put("a", b"1", item, overwrite=False))
        assert told(answer) == (400, code)
        assert sides.storage.delivered(container) == {}

    def test_sas_with_the_letter_for_tags_keeps_them(self, sides: SidesBackend, container: str) -> None:
        assert sides.destination(container, "cwt").keeps_tags
        assert not sides.destination(container, "cw").keeps_tags


class CopySuite(_Containers):
    """Copies that the destination's service does by itself."""

    @pytest.mark.parametrize("name", NAMES)
    def test_copied_blob_is_like_its_source(self, sides: SidesBackend, container: str, name: str) -> None:
        sides.seed(container, name, b"12345", HEADERS)
        item, url = sides.item(container, name), address(sides, container, name)
        answer = sides.run(lambda: sides.destination(container).copy_from_url(name, url, item, overwrite=False))
        assert answer.is_done
        found = sides.delivered_item(container, name)
        assert (found.size_bytes, found.headers, found.content_md5) == (5, HEADERS, item.content_md5)

    def test_copy_over_a_blob_is_refused_unless_it_is_asked_for(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"new")
        item, url = sides.item(container, "a"), address(sides, container, "a")
        sides.storage.seed(sides.storage.destination, container, "a", b"old")
        destination = sides.destination(container)

        async def twice() -> list[tuple[bool, str]]:
            answers = [await destination.copy_from_url("a", url, item, overwrite=over) for over in (False, True)]
            return [(answer.is_done, answer.code) for answer in answers]

        assert sides.run(twice) == [(False, "BlobAlreadyExists"), (True, "")]
        assert sides.storage.delivered(container) == {"a": b"new"}

    def test_copy_of_another_version_is_refused(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"old")
        item, url = sides.item(container, "a"), address(sides, container, "a")
        sides.seed(container, "a", b"new")
        destination = sides.destination(container)
        copied = sides.run(lambda: destination.copy_from_url("a", url, item, overwrite=False))
        staged = sides.run(lambda: destination.stage_from_url("a", url, item, BlockRange(BLOCKS[0], 0, 3)))
        assert copied.status == staged.status == 412
        assert copied.code in ("ConditionNotMet", "SourceConditionNotMet")
        assert staged.code == "SourceConditionNotMet"
        assert sides.storage.delivered(container) == {}

    def test_ranges_of_the_source_become_blocks(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "ü", b"0123456789", HEADERS)
        item, url = sides.item(container, "ü"), address(sides, container, "ü")
        destination = sides.destination(container)

        async def build() -> list[int]:
            blocks = [BlockRange(BLOCKS[0], 0, 4), BlockRange(BLOCKS[1], 4, 6)]
            staged = [await destination.stage_from_url("ü", url, item, block) for block in blocks]
            ids = [block.id for block in blocks]
            commit = await destination.commit("ü", ids, item, content_md5=None, overwrite=False)
            return [answer.status for answer in (*staged, commit)]

        assert sides.run(build) == [201, 201, 201]
        found = sides.delivered_item(container, "ü")
        assert sides.storage.delivered(container) == {"ü": b"0123456789"}
        assert (found.headers, found.content_md5) == (HEADERS, item.content_md5)

    def test_source_that_has_gone_cannot_be_verified(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"old")
        item, url = sides.item(container, "a"), address(sides, container, "a")
        sides.storage.storage.delete_blob(sides.storage.source, container, "a")
        answer = sides.run(lambda: sides.destination(container).copy_from_url("a", url, item, overwrite=False))
        assert told(answer) == (404, "CannotVerifyCopySource")

    def test_source_that_lets_nobody_in_cannot_be_verified(self, sides: SidesBackend, container: str) -> None:
        sides.seed(container, "a", b"old")
        item, url = sides.item(container, "a"), address(sides, container, "a").partition("?")[0]
        answer = sides.run(lambda: sides.destination(container).copy_from_url("a", url, item, overwrite=False))
        assert answer.code == "CannotVerifyCopySource"


def told(answer: WireAnswer) -> tuple[int, str]:
    """Status and code."""
    return answer.status, answer.code


def query_of(url: object) -> str:
    """The query of a secret address."""
    return url.reveal().partition("?")[2]  # type: ignore[attr-defined]


def address(sides: SidesBackend, container: str, name: str) -> str:
    """The address that the source gives for a blob."""
    url = sides.source(container).url(sides.item(container, name))
    assert url is not None
    return url.reveal()


async def streamed(sides: SidesBackend, container: str, name: str) -> bytes:
    """A blob of the source by its stream."""
    async with sides.source(container).stream(sides.item(container, name)) as chunks:
        return b"".join([chunk async for chunk in chunks])
