"""What every PageManifests does; a test module gives the fixture `manifests` and subclasses this."""

from ferry.ports.copy_work import PageManifests


class PageManifestsSuite:
    """Lists of blobs."""

    def test_list_that_is_kept_is_read_again(self, manifests: PageManifests) -> None:
        assert manifests.keep("flow-1", 3, b"one\ntwo") == b"one\ntwo"

        assert manifests.read("flow-1", 3) == b"one\ntwo"

    def test_first_list_of_a_number_is_the_truth(self, manifests: PageManifests) -> None:
        manifests.keep("flow-1", 0, b"first")

        assert manifests.keep("flow-1", 0, b"second") == b"first"
        assert manifests.read("flow-1", 0) == b"first"

    def test_list_that_nobody_kept_is_none(self, manifests: PageManifests) -> None:
        assert manifests.read("flow-1", 0) is None
        manifests.keep("flow-1", 0, b"x")

        assert manifests.read("flow-1", 1) is None
        assert manifests.read("flow", 0) is None

    def test_flows_are_those_of_which_there_are_lists(self, manifests: PageManifests) -> None:
        assert list(manifests.flows()) == []
        for flow_id, number in (("b", 0), ("b", 1), ("a", 0)):
            manifests.keep(flow_id, number, b"x")

        assert list(manifests.flows()) == ["a", "b"]

    def test_forgotten_flow_leaves_the_lists_of_others(self, manifests: PageManifests) -> None:
        for flow_id, number in (("a", 0), ("a", 1), ("ab", 0)):
            manifests.keep(flow_id, number, b"x")

        manifests.forget("a")
        manifests.forget("a")
        manifests.forget("never")

        assert list(manifests.flows()) == ["ab"]
        assert (manifests.read("a", 1), manifests.read("ab", 0)) == (None, b"x")
