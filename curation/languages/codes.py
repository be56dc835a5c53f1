"""What a language is called: the primary subtag of BCP 47 in lower case, such as "en" or "yue"."""

import re
from collections.abc import Callable, Collection

import pyarrow as pa

UNDETERMINED = "und"
"""What BCP 47 calls a text whose language nobody knows; in arrays it is null."""

WITHOUT_SPACES = frozenset(["bo", "dz", "gan", "ja", "km", "ko", "lo", "lzh", "my", "shn", "th", "wuu", "yue", "zh"])
"""Languages that match as plain sub-strings, because a space does not end a word, or ends it too late.

Chinese in its forms, Japanese, Thai, Lao, Burmese, Shan, Khmer, Tibetan and Dzongkha are written without spaces between
words; Korean has them, but its particles are written onto the noun.
"""

_NO_LANGUAGE = frozenset({"mis", "mul", UNDETERMINED, "zxx"})
"""ISO 639: without a code, several, undetermined, no linguistic content."""

_LISTED_AS = {
    **dict.fromkeys(("gan", "hak", "hsn", "lzh", "wuu", "yue"), "zh"),
    **dict.fromkeys(("acm", "acq", "aeb", "afb", "ajp", "apc", "apd", "ars", "ary", "arz"), "ar"),
    **dict.fromkeys(("nb", "nn"), "no"),
}
"""Members of a language that is mostly written in one standard."""

_ALIASES = """
    aar:aa abk:ab afr:af aju:jrb aka:ak alb:sq als:sq amh:am ara:ar arb:ar arg:an arm:hy asm:as ava:av ave:ae aym:ay
    ayr:ay aze:az azj:az bak:ba bam:bm baq:eu bcc:bal bcl:bik bel:be ben:bn bh:bho bih:bho bis:bi bod:bo bos:bs
    bre:br bul:bg bur:my bxk:luy bxr:bua cat:ca ces:cs cha:ch che:ce chi:zh chu:cu chv:cv cld:syr cmn:zh cor:kw
    cos:co cre:cr cwd:cr cym:cy cze:cs dan:da deu:de dgo:doi dhd:mwr dik:din diq:zza div:dv dut:nl dzo:dz ekk:et
    ell:el emk:man eng:en epo:eo esk:ik est:et eus:eu ewe:ee fao:fo fas:fa fat:ak fij:fj fin:fi fra:fr fre:fr fry:fy
    fuc:ff ful:ff gaz:om gbo:grb geo:ka ger:de gla:gd gle:ga glg:gl glv:gv gno:gon gre:el grn:gn gug:gn guj:gu
    gya:gba hat:ht hau:ha hdn:hai hea:hmn heb:he her:hz him:srx hin:hi hmo:ho hrv:hr hun:hu hye:hy ibo:ig ice:is
    ido:io iii:ii ike:iu iku:iu ile:ie in:id ina:ia ind:id ipk:ik isl:is ita:it iw:he jav:jv ji:yi jpn:ja jw:jv
    kal:kl kan:kn kas:ks kat:ka kau:kr kaz:kk khk:mn khm:km kik:ki kin:rw kir:ky kmr:ku knc:kr kng:kg knn:kok kom:kv
    kon:kg kor:ko kpv:kv kua:kj kur:ku lao:lo lat:la lav:lv lbk:bnc lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg lvs:lv
    mac:mk mah:mh mal:ml mao:mi mar:mr may:ms mhr:chm mkd:mk mlg:mg mlt:mt mnk:man mo:ro mol:ro mon:mn mri:mi msa:ms
    mup:raj mya:my nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nld:nl nno:nn nob:nb nor:no npi:ne nya:ny oci:oc ojg:oj
    oji:oj ori:or orm:om ory:or oss:os pan:pa pbu:ps per:fa pes:fa pli:pi plt:mg pnb:lah pol:pl por:pt pus:ps que:qu
    quz:qu rmy:rom roh:rm ron:ro rum:ro run:rn rus:ru sag:sg san:sa sin:si slk:sk slo:sk slv:sl sme:se smo:sm sna:sn
    snd:sd som:so sot:st spa:es spy:kln sqi:sq src:sc srd:sc srp:sr ssw:ss sun:su swa:sw swe:sv swh:sw tah:ty tam:ta
    tat:tt tel:te tgk:tg tgl:fil tha:th tib:bo tir:ti tl:fil ton:to tsn:tn tso:ts ttq:tmh tuk:tk tur:tr tw:ak twi:ak
    uig:ug ukr:uk umu:del urd:ur uzb:uz uzn:uz ven:ve vie:vi vol:vo wel:cy wln:wa wol:wo xho:xh xpe:kpe xsl:den
    ydd:yi yid:yi yor:yo zai:zap zha:za zho:zh zsm:ms zul:zu zyb:za
"""
"""Other codes of a language (ISO 639-2, ISO 639-3, withdrawn ones), from the aliases of Unicode CLDR 41."""

_PREFERRED = dict(pair.split(":") for pair in _ALIASES.split())


def language_code(name: str | None) -> str | None:
    """The code of a language tag, or None where it is none, or says that there is no language.

    Tells the form of a code, not whether a language of that code exists. Script and region are dropped.

    >>> [language_code(name) for name in ("en-US", "eng", "zh-Hans", "zh_CN", "iw", "yue", "und", "English", "", None)]
    ['en', 'en', 'zh', 'zh', 'he', 'yue', None, None, None, None]
    """
    found = re.fullmatch(r"\s*([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]*)?\s*", name or "")
    if not found:
        return None
    subtag = found[1].lower()
    code = _PREFERRED.get(subtag, subtag)
    return None if code in _NO_LANGUAGE else code


def normalised(tags: pa.Array) -> pa.StringArray:
    """`language_code` of each.

    tags:   (N,) string
    returns (N,) string; null where there is no code
    """
    return _of_each_distinct(tags, language_code)


def as_listed(codes: pa.Array, listed: Collection[str]) -> pa.StringArray:
    """The codes, with a member of a wider language as that language where only that one is listed.

    codes:  (N,) string, as `normalised` gives them
    listed: the languages that there is metadata for

    >>> as_listed(pa.array(["yue", "arz", "it", None]), {"zh", "yue", "ar"}).to_pylist()
    ['yue', 'ar', 'it', None]
    """

    def listed_code(code: str | None) -> str | None:
        wider = _LISTED_AS.get(code or "")
        return wider if wider in listed and code not in listed else code

    return _of_each_distinct(codes, listed_code)


def _of_each_distinct(values: pa.Array, change: Callable[[str | None], str | None]) -> pa.StringArray:
    """change(value) for each value, called once for each distinct one: there are few."""
    encoded = values.dictionary_encode()
    changed = pa.array([change(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return changed.take(encoded.indices)
