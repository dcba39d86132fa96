"""Registering instruments: who looks like a known one is answered *same* or *different* by a named person first.

    same        the instrument is the known one: its registration gets a version, and its id stays
    different   another instrument: it is registered under an id of its own

Either answer, with the person and the day, stands in the registration for ever.

>>> registrar.register(content, []).leaf_index
21
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from issuer.matching import Match, find_matches
from issuer.saying_store import Saying
from issuer.speaking import Speaker, read_content
from issuer.tables import DocumentState
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.ids import InstrumentId
from ledger.core.photo import Photograph, describe_photo
from ledger.core.registration import (
    Answer,
    InstrumentContent,
    Likeness,
    encode_instrument_content,
    parse_instrument_content,
)


@dataclass(frozen=True, slots=True)
class Given:
    """What a person answered about instruments that look alike."""

    same: InstrumentId | None
    different: frozenset[InstrumentId]
    person: str
    """Public pseudonym; "" if nothing was answered."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to stand in a registration for a photograph."""

    raw: bytes | None
    """As it is kept, see `core.photo`; None: no photograph any more."""
    taken_on: date | None = None
    """None: today, or when the same picture was registered before, as then."""


class Registrar:
    """Registers instruments for one institution."""

    def __init__(self, speaker: Speaker, today: date) -> None:
        """Take who speaks for the institution, and the day of what is answered now."""
        self._speaker = speaker
        self._today = today

    def list_registered(self) -> list[InstrumentContent]:
        """Return what is registered here, as it stands now, in the order of its newest versions."""
        known = self._speaker.store.list_newest(EventType.INSTRUMENT)
        return [parse_instrument_content(read_content(saying)) for saying in known]

    def register(
        self,
        content: InstrumentContent,
        others: Iterable[InstrumentContent],
        given: Given,
        picture: Picture | None = None,
    ) -> tuple[InstrumentContent, Saying]:
        """Register an instrument, or a new version of it; the same again changes nothing.

        Args:
            content: what is to be registered, without answers.
            others: instruments that are known beside those that are registered here.
            given: what was answered.
            picture: its photograph from now on; None: as it was.

        Returns:
            What is registered, under the id that holds, and the statement.

        Raises:
            InputError: it looks like an instrument about which nobody has answered; or an answer is about none.
            StateError: the log refuses it; with the reason.
            UnavailableError: the log is out of reach: ask the same again.
        """
        known = self._list_known(others)
        if given.same in _list_kept(content.id, known.values()):
            given = replace(given, same=None)  # answered before, which stands: the same form sent twice
        content = self._settle(_follow_aliases(content, known.values()), known, given)
        before = known.get(content.id)
        if before is not None:
            content = replace(content, answers=_merge(before.answers, content.answers))
        content = replace(content, photo=self._picture(picture, None if before is None else before.photo))
        newest = self._speaker.finish(content.subject)
        if newest is not None and _is_said(newest, content):
            return content, newest
        raw = encode_instrument_content(content)
        said = self._speaker.say(EventType.INSTRUMENT, content.subject, raw)
        self._forget_photos()
        return content, said

    def _picture(self, picture: Picture | None, before: Photograph | None) -> Photograph | None:
        """Return what is registered of the photograph, whose bytes are kept before anything is said of it."""
        if picture is None:
            return self._keep(before)
        if picture.raw is None:
            return None
        found = describe_photo(picture.raw, picture.taken_on or self._today)
        if before is not None and before.digest == found.digest and picture.taken_on is None:
            return before
        if found.taken_on > self._today:
            raise InputError("is in the future", field="taken_on", zh="拍摄日期在将来")
        self._speaker.store.keep_photo(found.digest, picture.raw)
        return found

    def _keep(self, before: Photograph | None) -> Photograph | None:
        """Return what was registered before, whose bytes go in with every version."""
        if before is not None and self._speaker.store.find_photo(before.digest) is None:
            raise InputError(
                "is not kept here any more: register the instrument with another one, or with none",
                field="photo",
                zh="原照片已不在本机：请换一张照片登记，或不带照片登记",
            )
        return before

    def _forget_photos(self) -> None:
        """Forget what no newest registration names: what an institution takes away is gone from its desk too."""
        photos = (each.photo for each in self.list_registered())
        self._speaker.store.forget_photos({photo.digest for photo in photos if photo is not None})

    def find_unanswered(self, content: InstrumentContent, others: Iterable[InstrumentContent]) -> list[Match]:
        """Return the instruments that one looks like and of which nobody has answered yet, the likeliest first.

        Args:
            content: what is to be registered, without answers.
            others: instruments that are known beside those that are registered here.
        """
        known = self._list_known(others)
        content = _follow_aliases(content, known.values())
        settled = _list_settled(content.id, known)
        return [match for match in find_matches(content, known.values()) if match.known.id not in settled]

    def _list_known(self, others: Iterable[InstrumentContent]) -> dict[InstrumentId, InstrumentContent]:
        registered = {each.id: each for each in self.list_registered()}
        return {each.id: each for each in others} | registered

    def _settle(
        self, content: InstrumentContent, known: Mapping[InstrumentId, InstrumentContent], given: Given
    ) -> InstrumentContent:
        """Return the content with its answers, under the id that follows from them."""
        matches = find_matches(content, known.values())
        _check_given(matches, given)
        answered = {*given.different, *([] if given.same is None else [given.same])}
        settled = answered | _list_settled(content.id, known)
        left = [match for match in matches if match.known.id not in settled]
        if left:
            raise InputError(
                f"looks like {'; '.join(match.describe() for match in left)}. Say who found out that it is the "
                "same, or different",
                field="instrument",
                zh="与已知器具相似，须由人员确认是否为同一器具",
            )
        answers = [self._answer(other, Likeness.DIFFERENT, given) for other in given.different]
        if given.same is None:
            return replace(content, answers=_merge((), answers))
        answers.append(self._answer(content.id, Likeness.SAME, given))
        return replace(content, id=given.same, answers=_merge((), answers))

    def _answer(self, other: InstrumentId, likeness: Likeness, given: Given) -> Answer:
        return Answer(other, likeness, given.person, self._today)


def _list_settled(
    instrument_id: InstrumentId, known: Mapping[InstrumentId, InstrumentContent]
) -> set[InstrumentId]:
    """Return the instruments about which somebody has answered before, in either registration."""
    own = known[instrument_id].answers if instrument_id in known else ()
    theirs = (each.id for each in known.values() if any(item.other == instrument_id for item in each.answers))
    return {answer.other for answer in own} | set(theirs)


def _follow_aliases(content: InstrumentContent, known: Iterable[InstrumentContent]) -> InstrumentContent:
    """Return a content under the id that it was found to be the same as before, if it was."""
    kept = _list_kept(content.id, known)
    return replace(content, id=kept[-1]) if kept else content


def _list_kept(instrument_id: InstrumentId, known: Iterable[InstrumentContent]) -> list[InstrumentId]:
    """Return what an instrument was found to be the same as, and that in turn; the last id holds."""
    kept_as = {
        answer.other: each.id for each in known for answer in each.answers if answer.likeness is Likeness.SAME
    }
    path = [instrument_id]
    while (following := kept_as.get(path[-1])) is not None and following not in path:
        path.append(following)
    return path[1:]


def _check_given(matches: Iterable[Match], given: Given) -> None:
    """Require that what was answered is about instruments that look alike, and who answered."""
    alike = {match.known.id for match in matches}
    answered = {*given.different, *([] if given.same is None else [given.same])}
    for other in sorted(answered - alike):
        why = f"{encode_hex(other)} is no instrument that it looks like"
        raise InputError(why, field="answers", zh=f"{encode_hex(other)}不是与其相似的器具")
    if given.same is not None and given.same in given.different:
        raise InputError("is answered both ways", field="answers", zh="同一器具有两种回答")
    if answered and not given.person:
        raise InputError("say who found out, by the person's pseudonym", field="by", zh="须注明确认人员代号")


def _merge(before: Iterable[Answer], new: Iterable[Answer]) -> tuple[Answer, ...]:
    """Return answers by the other instrument's id; what was answered before stays, if it was the same."""
    merged = {answer.other: answer for answer in before}
    for answer in new:
        if answer.other not in merged or merged[answer.other].likeness is not answer.likeness:
            merged[answer.other] = answer
    return tuple(merged[other] for other in sorted(merged))


def _is_said(newest: Saying, content: InstrumentContent) -> bool:
    is_there = newest.state is DocumentState.LOGGED and newest.type is EventType.INSTRUMENT
    return is_there and parse_instrument_content(read_content(newest)) == content
