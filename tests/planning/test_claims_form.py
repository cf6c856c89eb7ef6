"""The form of claims.yaml: a mistake is one line that says where, what came and what was possible."""

import copy
import dataclasses
import inspect

import pytest

from rnnlimits import catalog
from rnnlimits.planning.config import claim_form
from rnnlimits.planning.config.fields import fields as option_fields

CLAIM = {
    "id": "a_claim",
    "title": "A claim",
    "says": "A sentence.",
    "source": {"key": "Author (2000)", "place": "table 1"},
    "type": "number",
    "parts": [{"check": "at_most", "bound": 1, "study": "memory", "where": {"metric": "loss"}}],
}
FILE = {"sources": {"Author (2000)": "Author (2000), A title"}, "claims": [CLAIM]}


def changed(claim=None, part=None):
    content = copy.deepcopy(FILE)
    content["claims"][0] |= claim or {}
    if part:
        content["claims"][0]["parts"][0] |= part
    return content


def test_a_good_file_has_no_problems():
    assert claim_form.problems(FILE) == []


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ([], "the whole file: give a mapping with a list `claims` and a mapping `sources`"),
        ({**FILE, "claim": []}, "unknown key 'claim'; did you mean 'claims'? (possible: sources, claims)"),
        ({**FILE, "claims": [CLAIM, CLAIM]}, "a_claim: this id is there twice; give each claim its own"),
        ({**FILE, "claims": ["a_claim"]}, "claim 1: no id; give each claim a mapping with an id, in text"),
        (
            {**FILE, "claims": [{"id": "../x"}]},
            "../x: no id; give a letter, then letters, digits, _ and -, 60 at most",
        ),
        (changed({"title": "x" * 61}), "a_claim.title: got 61 characters; expected 60 at most"),
        (
            changed({"type": "X"}),
            "a_claim.type: got 'X'; take a possible one (possible: theory, ordering, number, failure, share)",
        ),
        (changed({"full": "all"}), "a_claim.full: give a mapping of columns to the source's numbers, or {}"),
        (changed({"parts": []}), "a_claim.parts: give a list of mappings, each with check, study and where"),
        (changed(part={"bound": "low"}), "a_claim.parts[0].bound: got 'low'; expected a number"),
        (
            changed(part={"check": "at_mots"}),
            "a_claim.parts[0].check: got 'at_mots'; did you mean 'at_most'? "
            f"(possible: {', '.join(catalog.names('checks'))})",
        ),
        (
            changed(part={"check": "solved_share", "at_least": 0.5, "at_most": 0.5}),
            "a_claim.parts[0]: solved_share needs at_least or at_most, one of the two",
        ),
        (
            changed({"type": "failure"}),
            "a_claim.parts: a failure needs a part with `positive_control: true`, which must succeed",
        ),
        (
            changed(part={"positive_control": True}),
            "a_claim.parts: every part is a positive control; leave the key out where the claim speaks",
        ),
        (
            changed(part={"positive_control": "yes"}),
            "a_claim.parts[0].positive_control: got 'yes'; expected true or false",
        ),
        (
            changed({"paper": "=1"}),
            "a_claim.paper: got '=1'; expected text that begins with none of = + - @",
        ),
        (
            changed(part={"check": "within", "low": 1, "factor": 2}),
            "a_claim.parts[0]: within needs low and high, or of and factor",
        ),
        (
            changed(part={"check": "within", "of": 1, "factor": 1}),
            "a_claim.parts[0]: factor: got 1; expected a number greater than 1",
        ),
        (
            changed(part={"check": "speed_up", "at_least": 2}),
            "a_claim.parts[0].where.metric: speed_up looks at one metric; give updates_to_solve",
        ),
        (
            changed(part={"check": "exists", "conditions": {"spectral_radius": {"over": 1}}}),
            "a_claim.parts[0].conditions.spectral_radius.over: got 'over'; did you mean 'above'? "
            "(possible: above, below)",
        ),
        (
            changed({"source": {"key": "Autor (2000)", "place": "table 1"}}),
            "a_claim.source.key: got 'Autor (2000)'; did you mean 'Author (2000)'? (possible: Author (2000))",
        ),
    ],
)
def test_a_mistake_is_one_line(content, line):
    assert line in claim_form.problems(content)


def test_a_missing_key_is_named():
    content = changed()
    del content["claims"][0]["says"], content["claims"][0]["parts"][0]["bound"]
    assert claim_form.problems(content) == [
        "a_claim.says: missing; write this key",
        "a_claim.parts[0].bound: missing; write this key",
    ]


def test_only_a_comparison_takes_against():
    (line,) = claim_form.problems(changed(part={"against": {"variant": "lstm"}}))
    assert line.startswith("a_claim.parts[0]: unknown key 'against'")
    ordering = {"check": "ordering", "direction": "higher", "against": {"variant": "lstm"}}
    (line,) = claim_form.problems(changed(part=ordering))
    assert line.startswith("a_claim.parts[0]: unknown key 'bound'")


@pytest.mark.parametrize("name", catalog.names("checks"))
def test_a_check_is_one_page_that_planning_reads_without_importing_it(name):
    form, page = catalog.check(name), catalog.module("checks", name)
    known = [option.name for option in option_fields("checks", name)]
    assert [field.name for field in dataclasses.fields(page.Options)] == known
    looked_at = {"cell": ["cell"], "pair": ["one", "other"], "cells": ["cells"], "networks": ["table"]}
    assert [*inspect.signature(page.judge).parameters] == [*looked_at[form.looks_at], "options"]
    assert bool(form.shows) == (form.looks_at == "pair")
