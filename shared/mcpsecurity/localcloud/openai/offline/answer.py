"""Results of tools in sentences."""

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcpsecurity.localcloud.openai.offline.dates import DateQuestion, Days, days_in, years_between
from mcpsecurity.localcloud.openai.offline.facts import (
    Fact,
    asked_facts,
    facts_of,
    rows_of,
    subject_of,
    units_of,
)
from mcpsecurity.localcloud.openai.offline.languages import (
    Language,
    article,
    date_words,
    join_words,
    number_words,
    phrase,
    term,
)
from mcpsecurity.localcloud.openai.offline.plan import Step
from mcpsecurity.localcloud.openai.offline.tool_sentences import trouble, trouble_text
from mcpsecurity.localcloud.openai.offline.tools import Tool

_ROWS = 10
_SHOWN = re.compile(r"^\[\w+ of type [^\],]+, shown to the person\]\n?", re.MULTILINE)
"""A picture's placeholder in a result. The person sees the picture, so the answer leaves it out."""
_LONG = 60
_FORECAST = re.compile(r"\b(?:forecast|week|days|outlook|weekend)\b", re.IGNORECASE)
_YES_NO = re.compile(r"^\W*(?:and )?(?:is|will|does|do|should|can|it|are|rain|snow)\b", re.IGNORECASE)
_RAINS = re.compile(r"rain|drizzle|shower|thunder", re.IGNORECASE)
_WET = re.compile(rf"{_RAINS.pattern}|snow|hail", re.IGNORECASE)
_SNOW = re.compile(r"snow", re.IGNORECASE)
_SUN = re.compile(r"clear|sunny", re.IGNORECASE)
_DRY_MM = 0.2
_WARM, _COLD = 20.0, 10.0


@dataclass(frozen=True)
class Result:
    """A call that was made: its step, its arguments and its result."""

    step: Step
    arguments: dict[str, Any]
    content: str


def value_of(content: str) -> Any:
    """Return a tool's result: JSON if it is some, with the wrapping of a single value taken off."""
    content = _SHOWN.sub("", content).strip() or content
    try:
        value = json.loads(content)
    except ValueError:
        return content
    return value["result"] if isinstance(value, dict) and set(value) == {"result"} else value


def summary(results: Sequence[Result], language: Language, today: dt.date) -> str:
    """Return an answer made of all results, those of one tool together, but for dice and coins."""
    speaker = _Speaker(language, today)
    parts: list[str] = []
    groups: dict[tuple[str, str | None], list[Result]] = {}
    for result in results:
        chance = result.step.about.chance
        groups.setdefault((result.step.tool.name, chance.kind if chance else None), []).append(result)
    for group in groups.values():
        parts += speaker.group(group)
    return "\n\n".join(parts)


class _Speaker:
    """Puts results into sentences of a language. `today` is what "tomorrow" is counted from."""

    def __init__(self, language: Language, today: dt.date) -> None:
        self._language = language
        self._today = today

    def group(self, results: Sequence[Result]) -> list[str]:
        """Return the paragraphs about results of one tool."""
        tool, good, bad = results[0].step.tool, [], []
        for result in results:
            problem = trouble(result.content)
            if problem is None:
                good.append(result)
            else:
                bad.append(trouble_text(tool, result.content, problem, self._language))
        plain = [(r, value) for r in good if (value := _plain(r)) is not _NOT_PLAIN]
        others = [r for r in good if _plain(r) is _NOT_PLAIN]
        said = [self._values(plain)] if plain else []
        said += [self._value(result) for result in others]
        if compared := self._compared(others):
            said.insert(0, compared)
        return said + list(dict.fromkeys(bad))

    def _values(self, plain: list[tuple[Result, Any]]) -> str:
        """Return a sentence for results that are one value each."""
        first, values = plain[0][0], [value for _, value in plain]
        tool, chance = first.step.tool, first.step.about.chance
        shown = [f"**{self._shown(value)}**" for value in values]
        joined = join_words(shown, self._language)
        if chance is not None and all(isinstance(value, int) for value in values):
            if chance.kind == "coin":
                sides = [f"**{term('tails' if value else 'heads', self._language)}**" for value in values]
                return phrase("coins", self._language, values=join_words(sides, self._language))
            if len(values) == 1:
                return phrase("rolled", self._language, a=article(values[0]), value=shown[0])
            return phrase("rolled_many", self._language, values=joined, total=f"**{sum(values)}**")
        noun = term(tool.noun, self._language)
        if tool.acts:
            return "\n".join(self._done(tool, value) for value in values)
        if len(values) > 1:
            nouns = term(tool.nouns, self._language)
            return phrase("many", self._language, nouns=nouns, values=joined)
        text = str(values[0])
        if len(text) > _LONG or "\n" in text or text.endswith((".", "!", "?")):
            return text
        if {"min", "max"} <= first.arguments.keys():
            return self._within(first, noun, shown[0])
        return phrase("one" if _is_asked_for(tool) else "one_of", self._language, noun=noun, value=shown[0])

    def _within(self, result: Result, noun: str, shown: str) -> str:
        upper = next((p for p in result.step.tool.parameters if p.name == "max"), None)
        low, high = result.arguments["min"], result.arguments["max"]
        if upper is not None and upper.exclusive and isinstance(high, int):
            high -= 1
        return phrase("one_within", self._language, noun=noun, low=low, high=high, value=shown)

    def _done(self, tool: Tool, value: Any) -> str:
        if value in (None, "", [], {}) or value is True:
            what = f"{tool.noun} {tool.participle}"
        elif isinstance(value, int) and not isinstance(value, bool):
            noun = tool.noun.removesuffix("s") if value == 1 else tool.nouns
            what = f"{value} {noun} {tool.participle}"
        else:
            what = str(value).rstrip(".")
        return what if len(what) > _LONG else phrase("done", self._language, what=what)

    def _value(self, result: Result) -> str:
        value = value_of(result.content)
        tool = result.step.tool
        if isinstance(value, list):
            return self._list(tool, value)
        if result.step.about.question is not None:
            return self._calendar(result.step.about.question, value)
        if (moment := _moment_of(value)) is not None:
            return self._clock(moment, value)
        return self._object(result, value)

    def _list(self, tool: Tool, value: list[Any]) -> str:
        noun = term(tool.noun, self._language)
        if not value:
            return phrase("nothing", self._language, noun=noun)
        head = phrase("here", self._language, noun=noun)
        if all(isinstance(item, dict) for item in value):
            return f"{head}\n\n{_table(value)}"
        return f"{head}\n\n" + "\n".join(f"- {self._shown(item)}" for item in value[:_ROWS])

    def _calendar(self, question: DateQuestion, value: dict[str, Any]) -> str:
        moment = _moment_of(value)
        base = moment.date() if moment is not None else self._today
        day = date_words(base + question.ahead, self._language)
        if question.kind == "which":
            return phrase("which", self._language, date=f"**{day}**")
        if question.kind == "week":
            year, week, _ = (base + question.ahead).isocalendar()
            return phrase("week_number", self._language, week=f"**{week}**", year=year)
        if question.kind == "age":
            return phrase("age", self._language, years=years_between(base + question.ahead, base), date=day)
        length = question.ahead - question.begin
        weeks, over = divmod(length.days, 7)
        counts = [(weeks, "week"), (over, "day")] if question.unit == "week" else [(length.days, "day")]
        words = [
            f"{count} {phrase(unit if count == 1 else f'{unit}s', self._language)}"
            for count, unit in counts
            if count or len(counts) == 1
        ]
        count = f"**{join_words(words, self._language)}**"
        if question.kind == "between":
            first = date_words(base + question.begin, self._language)
            return phrase("between", self._language, count=count, begin=first, date=day)
        return phrase("until", self._language, count=count, date=day)

    def _clock(self, moment: dt.datetime, value: dict[str, Any]) -> str:
        zone = value.get("time_zone") or value.get("timezone")
        return phrase(
            "clock",
            self._language,
            time=f"**{moment:%H:%M}**",
            date=date_words(moment.date(), self._language),
            zone=f" ({zone})" if isinstance(zone, str) else "",
        )

    def _object(self, result: Result, value: dict[str, Any]) -> str:
        tool, subject, rows = result.step.tool, subject_of(value), rows_of(value)
        name = next((key for key in ("name", "display_name", "displayName") if value.get(key)), None)
        if name is not None and (user := _user_of(value)):
            return self._person(result, value, name, user)
        without, asked = [subject] if subject else (), result.step.about.text
        facts = facts_of(value, tool, self._language, without=without, asked=asked if units_of(tool) else "")
        dated = [row for row in rows if _date_of(row)]
        if subject is not None and units_of(tool) and not tool.acts:
            return self._measured(result, str(value[subject]), facts, dated)
        place = str(value[subject]) if subject else ""
        noun = term(tool.noun, self._language)
        key = "your_to" if place and subject == "destination" else "your" if tool.acts else "here"
        lines = [phrase(key, self._language, noun=noun, place=place)]
        if place and key != "your_to":
            lines = [f"{lines[0].rstrip(':').rstrip()}: **{place}**"] if facts or rows else [f"**{place}**"]
        listed = [f"- {fact}" for fact in facts]
        lines += ["", *listed] if listed else []
        if dated:
            lines += ["", *(f"- {line}" for line in self._days(dated[:_ROWS], tool))]
        elif rows:
            lines += ["", _table(rows)]
        return "\n".join(lines)

    def _person(self, result: Result, value: dict[str, Any], name: str, user: str) -> str:
        question = result.step.about.text
        facts = facts_of(value, result.step.tool, self._language, without=[name, user], asked=question)
        facts.append(Fact(user, user, str(value[user]), value[user]))
        facts += [Fact(key, key, "", none) for key, none in value.items() if none == []]
        asked = asked_facts(facts, question, result.step.tool)
        said = phrase("you_are", self._language, name=value[name]).rstrip(".") + f" ({value[user]})."
        if 0 < len(asked) < len(facts):
            said += "\n\n" + "\n".join(f"- {self._labelled(fact)}" for fact in asked)
        return said

    def _labelled(self, fact: Fact) -> str:
        label = fact.label.replace("_", " ")
        return f"{label}: **{fact.text}**" if fact.text else phrase("nothing", self._language, noun=label)

    def _measured(self, result: Result, place: str, facts: list[Fact], rows: list[dict[str, Any]]) -> str:
        """Return the weather, or what else is measured at a place: now, or on days that were named."""
        step = result.step
        if step.about.days and rows:
            return self._on_days(step, place, rows, facts)
        if rows and (_FORECAST.search(step.about.text) or not facts):
            lines = "\n".join(f"- {line}" for line in self._days(rows[:_ROWS], step.tool, step.about.text))
            return f"**{place}**:\n\n{lines}"
        shown = [fact for fact in facts if fact.key not in ("time_zone", "other_matches")]
        answer = self._yes_no(step.about.text, shown)
        named = asked_facts(shown, step.about.text, step.tool) if not answer else shown
        said = phrase("now_in", self._language, place=place, facts=", ".join(map(str, named)))
        return f"{answer} {said}".strip()

    def _on_days(self, step: Step, place: str, rows: list[dict[str, Any]], now: list[Fact]) -> str:
        days = [day for row in rows if (day := _date_of(row))]
        named, today = step.about.days, self._today
        if days and min(days) - today == dt.timedelta(days=1) and all(each.last == today for each in named):
            today = min(days)  # the new day has begun there
            named = tuple(days_in(step.about.text, today))
        said = []
        for wanted in named:
            chosen = [row for row in rows if wanted.first <= (_date_of(row) or dt.date.min) <= wanted.last]
            for row in chosen[:_ROWS]:
                facts = facts_of(row, step.tool, self._language, without=["date"], asked=step.about.text)
                answer = self._yes_no(step.about.text, facts)
                day = _date_of(row)
                text = ", ".join(map(str, facts))
                line = phrase("day_in", self._language, day=self._day(day, today), place=place, facts=text)
                said.append(f"{answer} {line}".strip())
            if not chosen:
                said.append(self._outside(wanted, days))
        is_today = any(wanted.first == today == wanted.last for wanted in named)
        if is_today and now and not _YES_NO.match(step.about.text):
            shown = ", ".join(str(fact) for fact in now if fact.key not in ("time_zone", "other_matches"))
            said.insert(0, phrase("now_in", self._language, place=place, facts=shown))
        return "\n\n".join(said)

    def _outside(self, wanted: Days, days: list[dt.date]) -> str:
        first, last = (date_words(day, self._language, year=False) for day in (min(days), max(days)))
        asked = date_words(wanted.first, self._language)
        return phrase("outside", self._language, first=first, last=last, wanted=asked)

    def _days(self, rows: list[dict[str, Any]], tool: Tool, asked: str = "") -> list[str]:
        return [
            f"**{self._day(_date_of(row))}**: "
            + ", ".join(map(str, facts_of(row, tool, self._language, without=["date"], asked=asked)))
            for row in rows
        ]

    def _day(self, day: dt.date | None, today: dt.date | None = None) -> str:
        if day is None:
            return ""
        near = {0: "today", 1: "tomorrow"}.get((day - (today or self._today)).days)
        if near is not None:
            return phrase(near, self._language)
        text = date_words(day, self._language, year=False)
        return text[:1].upper() + text[1:]

    def _yes_no(self, asked: str, facts: list[Fact]) -> str:
        """Return "Yes." or "No." to a question that facts answer: whether it rains, snows, is warm."""
        if not _YES_NO.match(asked):
            return ""
        words = " ".join(str(fact.value) for fact in facts if isinstance(fact.value, str))
        fallen = [f.value for f in facts if f.text.endswith("mm") and isinstance(f.value, int | float)]
        degrees = [f.value for f in facts if f.text.endswith("°C") and isinstance(f.value, int | float)]
        found: bool | None = None
        if re.search(r"\bsnow", asked, re.IGNORECASE):
            found = bool(_SNOW.search(words))
        elif re.search(r"\brain", asked, re.IGNORECASE) and _SNOW.search(words):
            found = bool(_RAINS.search(words))
        elif re.search(r"\brain|\bumbrella|\bwet\b", asked, re.IGNORECASE):
            found = bool(_WET.search(words)) or any(amount > _DRY_MM for amount in fallen)
        elif re.search(r"\bsun", asked, re.IGNORECASE):
            found = bool(_SUN.search(words))
        elif re.search(r"\b(?:warm|hot)\b", asked, re.IGNORECASE) and degrees:
            found = max(degrees) >= _WARM
        elif re.search(r"\b(?:cold|freezing)\b", asked, re.IGNORECASE) and degrees:
            found = min(degrees) <= _COLD
        return "" if found is None else phrase("yes" if found else "no", self._language)

    def _compared(self, results: Sequence[Result]) -> str | None:
        """Return where it is warmer or colder, if that was asked of several places."""
        match = (
            re.search(r"\b(?:(warm|hott)|cold|cool)(?:er|est)\b", results[0].step.about.text, re.IGNORECASE)
            if results
            else None
        )
        if match is None or len(results) < 2:
            return None
        found = []
        for result in results:
            value = value_of(result.content)
            subject = subject_of(value) if isinstance(value, dict) else None
            facts = facts_of(value, result.step.tool, self._language) if subject else []
            degrees = [fact.value for fact in facts if fact.text.endswith(("°C", "°F"))]
            if not degrees or subject is None:
                return None
            found.append((degrees[0], str(value[subject])))
        best = max(found) if match[1] else min(found)
        return phrase("warmer" if match[1] else "colder", self._language, place=best[1])

    def _shown(self, value: Any) -> str:
        return number_words(value, self._language) if isinstance(value, float) else str(value)


_NOT_PLAIN = object()


def _plain(result: Result) -> Any:
    """Return the one value that a result is, without what only repeats the arguments."""
    value = value_of(result.content)
    if not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return _NOT_PLAIN
    echoes = {parameter.name for parameter in result.step.tool.parameters}
    new = {key: item for key, item in value.items() if key not in echoes and item is not None}
    if len(new) != 1 or (found := next(iter(new.values()))) is None or isinstance(found, dict | list):
        return _NOT_PLAIN
    return _NOT_PLAIN if _moment_of(value) is not None and result.step.about.question is not None else found


def _is_asked_for(tool: Tool) -> bool:
    return "random" in tool.words


def _moment_of(value: Any) -> dt.datetime | None:
    """Return the moment that an object tells and nothing else: a date with a time, in one value or two."""
    if not isinstance(value, dict) or rows_of(value) or not 1 <= len(value) <= 6:
        return None
    texts = [item for item in value.values() if isinstance(item, str)]
    if len(texts) < len(value):
        return None
    for text in texts:
        if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text):
            try:
                return dt.datetime.fromisoformat(text)
            except ValueError:
                return None
    return None


def _user_of(value: dict[str, Any]) -> str | None:
    keys = ("username", "user_name", "user_principal_name", "mail", "email")
    return next((key for key in keys if isinstance(value.get(key), str)), None)


def _date_of(row: dict[str, Any]) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(row.get("date", "")))
    except ValueError:
        return None


def _table(rows: list[dict[str, Any]]) -> str:
    columns = list(rows[0])[:6]
    head = f"| {' | '.join(c.replace('_', ' ') for c in columns)} |\n|{'---|' * len(columns)}"
    body = [f"| {' | '.join(str(row.get(c, '')) for c in columns)} |" for row in rows[:_ROWS]]
    return "\n".join([head, *body])
