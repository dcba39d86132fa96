"""A site as JSON members, in the shapes of `api.schemas.sites`."""

from typing import Any

from api.sites.instruments import Standing
from api.sites.view import Pledge, SiteView, is_open, name_organisation
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.pledge import Paragraphs
from ledger.core.register_fields import name_members
from ledger.place_reading import LoggedPledge


def describe_site(view: SiteView) -> dict[str, Any]:
    """Return a site with its instruments and pledges."""
    content, fair = view.content, set(view.content.fair_scales)
    members: dict[str, Any] = {
        "keeper": content.site.keeper,
        "id": content.site.id,
        "owner": content.owner,
        "keeper_name": name_organisation(view.keeper, content.site.keeper),
        "owner_name": None if content.owner is None else name_organisation(view.owner, content.owner),
        "name": name_members(content.name),
        "address": None if content.address is None else name_members(content.address),
        "division": content.division,
        "kind": content.kind.value,
        "open": is_open(content),
        "leaf_index": view.site.index,
        "instruments": [
            describe_standing(each, is_fair=each.id in fair)
            for each in (*view.fair_scales, *view.instruments)
        ],
        "pledges": [_describe_pledge(each) for each in view.pledges],
        "checked_on": view.checked_on.isoformat(),
        "as_of": {"tree_size": view.tree_size, "signed_at": encode_instant(view.as_of)},
        "behind": view.is_behind,
        "unsure": view.is_unsure,
    }
    return _leave_out_absent(members)


def describe_standing(standing: Standing, *, is_fair: bool) -> dict[str, Any]:
    """Return how an instrument stands."""
    until, day = standing.valid_until, standing.verified_on
    members = {
        "instrument": encode_hex(standing.id),
        "fair_scale": is_fair,
        "status": None if standing.status is None else standing.status.value,
        "category": None if standing.category is None else standing.category.name,
        "name": standing.name,
        "model": standing.model,
        "serial": standing.serial,
        "verified_on": None if day is None else day.isoformat(),
        "valid_until": None if until is None else until.isoformat(),
        "code": standing.code,
    }
    return _leave_out_absent(members)


def _describe_pledge(pledge: Pledge) -> dict[str, Any]:
    return {
        "verified": False,
        "about": "owner" if pledge.newest.content.site is None else "site",
        "shown": pledge.shown.value,
        "versions": [_describe_version(each) for each in pledge.versions],
    }


def _describe_version(version: LoggedPledge) -> dict[str, Any]:
    content = version.content
    promise = content.promise
    members: dict[str, Any] = {
        "state": content.state.value,
        "made_on": content.made_on.isoformat(),
        "leaf_index": version.index,
        "logged_at": encode_instant(version.sequenced_at),
    }
    if promise is not None:
        members["text"] = _describe_paragraphs(promise.text)
        members["until"] = None if promise.until is None else promise.until.isoformat()
        compensation = promise.compensation
        members["compensation"] = None if compensation is None else _describe_paragraphs(compensation)
    return _leave_out_absent(members)


def _describe_paragraphs(paragraphs: Paragraphs) -> dict[str, Any]:
    return {"zh": [*paragraphs.zh]} | ({"en": [*paragraphs.en]} if paragraphs.en else {})


def _leave_out_absent(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
