"""Names of customers, Chinese and English, always the same ones. Pure."""

from dataclasses import dataclass

from customers.actions import Prospect

_FAMILIES = (
    "李 li", "王 wang", "张 zhang", "刘 liu", "陈 chen", "杨 yang", "赵 zhao", "黄 huang", "周 zhou", "吴 wu",
    "徐 xu", "孙 sun", "胡 hu", "朱 zhu", "高 gao", "林 lin", "何 he", "郭 guo", "马 ma", "罗 luo",
)  # fmt: skip
_GIVEN = (
    "娜 na", "志伟 zhiwei", "雅静 yajing", "慧敏 huimin", "磊 lei", "海洋 haiyang", "晓艳 xiaoyan", "勇 yong",
    "文娟 wenjuan", "海涛 haitao", "启明 qiming", "俊超 junchao", "彩霞 caixia", "建平 jianping", "刚 gang",
    "桂英 guiying", "子轩 zixuan", "雨桐 yutong", "浩然 haoran", "思远 siyuan", "春燕 chunyan", "志强 zhiqiang",
    "欣怡 xinyi",
)  # fmt: skip
_FIRST = (
    "Oliver", "Priya", "Noah", "Sofia", "Ethan", "Hannah", "Lucas", "Maya", "Daniel", "Chloe", "Ravi", "Emma", "Jack",
    "Aisha", "Henry", "Zoe", "Samuel", "Ingrid", "Mateo", "Leah",
)  # fmt: skip
_LAST = (
    "Carter", "Patel", "Hughes", "Nguyen", "Fischer", "Rossi", "Kim", "Morgan", "Silva", "Clarke", "Turner", "Walsh",
    "Lindqvist", "Ortiz", "Bennett", "Haddad", "Reid", "Novak", "Dubois",
)  # fmt: skip


@dataclass(frozen=True)
class Name:
    """A person's name as it is written and as it stands in addresses."""

    shown: str
    family: str
    given: str


def chinese(number: int) -> Name:
    """Return the name of a number below 460; 20 families and 23 given names meet each other once each."""
    family, family_latin = _FAMILIES[number % len(_FAMILIES)].split()
    given, given_latin = _GIVEN[number * 7 % len(_GIVEN)].split()
    return Name(family + given, family_latin, given_latin)


def english(number: int) -> Name:
    """Return the name of a number below 380."""
    given, family = _FIRST[number % len(_FIRST)], _LAST[number * 5 % len(_LAST)]
    return Name(f"{given} {family}", family.lower(), given.lower())


def prospect(number: int, *, is_chinese: bool) -> Prospect:
    """Make up a customer; domains and telephone numbers are of those that belong to nobody."""
    name = chinese(number) if is_chinese else english(number)
    return Prospect(
        email=f"{name.given}.{name.family}@example.{'com' if is_chinese else 'org'}",
        customer_name=name.shown,
        account_name=f"{name.family}-{name.given}",
        mobile=f"+86138{number * 7919 % 100_000_000:08}" if is_chinese else f"+447700900{number % 1000:03}",
    )
