"""A figure drawn from made-up tables."""

from rnnlimits import catalog


def page(name):
    return catalog.module("figures", name)


def draw(name, tables):
    return page(name).plot({table: tables[table] for table in page(name).TABLES})
