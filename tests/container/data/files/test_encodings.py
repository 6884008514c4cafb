"""Encodings of files: recognised by marks and validity, the likeliest of older ones said, a doubt refused."""

import io
import subprocess
import sys

import pytest
from tabular.data.files import encodings
from tabular.data.files.encodings import find_encoding

CITIES = {
    "cp1252": "Köln,Münster,Düsseldorf,Nürnberg,Lübeck",
    "cp1250": "Łódź,Kraków,Gdańsk,Wrocław,Poznań",
    "cp1251": "Москва,Казань,Самара,Омск,Пермь",
    "cp1253": "Αθήνα,Θεσσαλονίκη,Πάτρα,Ηράκλειο",
    "cp1254": "\u0130zmir,Muğla,Eskişehir,A\u011fr\u0131,Çanakkale,Diyarbak\u0131r,\u015e\u0131rnak",
    "cp1255": "ירושלים,חיפה,אשדוד,נתניה",
    "cp1256": "القاهرة,الرياض,بغداد,بيروت",
    "cp874": "กรุงเทพ,เชียงใหม่,ภูเก็ต,ขอนแก่น",
    "cp932": "東京,大阪,京都,カメラ,テレビ",
    "euc_jis_2004": "東京,大阪,京都,カメラ,テレビ",
    "gb18030": "北京,上海,广州,深圳,成都,武汉",
    "big5hkscs": "臺北,高雄,臺中,臺南,新竹",
    "cp949": "서울,부산,대구,인천,광주",
    "koi8_r": "Москва,Казань,Самара,Омск,Пермь",
    "mac_roman": "Orléans,Besançon,Nîmes,Béziers",
    "cp850": "Malmö,Göteborg,Västerås,Örebro",
    "cp866": "Москва,Казань,Самара,Омск,Пермь",
}


def table(cities, rows=60):
    names = [*cities.split(","), "London"]
    return "x,city,y\n" + "".join(f"{row / 8},{names[row % len(names)]},yes\n" for row in range(rows))


def found(text, encoding="utf-8"):
    return find_encoding(io.BytesIO(text if isinstance(text, bytes) else text.encode(encoding)))


@pytest.mark.parametrize("encoding", CITIES)
def test_an_older_encoding_is_recognised_by_few_words_and_said(encoding):
    text = table(CITIES[encoding])
    seen = found(text, encoding)
    assert text.encode(encoding).decode(seen.name) == text
    assert f"read as {seen.name} (" in seen.note
    assert any(f"{city!r})" in seen.note for city in CITIES[encoding].split(","))
    assert f"{seen.confidence:.2f} sure" in seen.note
    assert "name it as encoding to be certain" in seen.note


@pytest.mark.parametrize(
    "sign", ["21°C", "£12", "12 €", "O\u2019Brien", "\u201cgood\u201d", "5\u201310", "µg", "½", "12\u00a0345"]
)
def test_one_sign_in_an_english_table_is_windows_1252(sign):
    assert found(f"x,y\n1,2\n{sign},3\n", "cp1252").name == "cp1252"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_utf_8_and_byte_order_marks_are_certain_and_not_worth_a_word(encoding):
    assert found(table("Łódź,北京,Köln"), encoding) == (encoding, 1.0, None)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised_by_its_zero_bytes(encoding):
    seen = found(table("Łódź,北京,Köln"), encoding)
    assert (seen.name, seen.note) == (encoding, f"it has no byte order mark and is read as {encoding}.")


def test_a_word_is_the_same_wherever_the_file_is_cut_into_chunks(monkeypatch):
    for encoding in ("cp1250", "cp932"):
        data = table(CITIES[encoding]).encode(encoding)
        whole = found(data)
        for size in range(3, 40):
            monkeypatch.setattr(encodings, "CHUNK", size)
            monkeypatch.setattr(encodings, "SAMPLE_CHUNKS", len(data))
            assert found(data) == whole
        monkeypatch.undo()


def test_utf_8_is_checked_to_the_end_of_the_file(monkeypatch):
    monkeypatch.setattr(encodings, "CHUNK", 64)
    plain = "x,city,y\n" + "1,London,yes\n" * 500
    assert found(plain + "1,Köln,yes\n").name == "utf-8"
    assert found(plain + "1,Köln,yes\n", "cp1252").name == "cp1252"
    assert found((plain + "1,K").encode() + b"\xf6").name == "cp1252"


def test_two_readings_that_are_about_as_likely_are_refused_with_both(monkeypatch):
    monkeypatch.setattr(encodings, "CLEAR", 1000)  # nothing is clear enough then
    with pytest.raises(
        ValueError, match=r"may be \w+ \(.*; '.*'\) or \w+ \(.*; '.*'\); name the right one as"
    ):
        found(table("Malmö,Göteborg"), "cp850")


@pytest.mark.parametrize("data", [bytes(range(128, 256)), bytes(range(256)) * 9])
def test_bytes_that_are_no_text_are_refused(data):
    with pytest.raises(ValueError, match="neither UTF-8 nor text in another encoding"):
        found(b"x,y\n" + data + b",1\n")


@pytest.mark.parametrize("wrong", ["Köln".encode("cp1252"), "Köln".encode()[:2]])
def test_one_line_that_is_not_utf_8_in_a_file_that_is_is_named(wrong):
    with pytest.raises(ValueError, match=r"it is UTF-8, but not in line 31 \(b'.*'\), so it is damaged"):
        found(table("Łódź,Kraków", 29).encode() + wrong)


@pytest.mark.slow
def test_utf_8_needs_no_detector():
    code = (
        "import io, sys; from tabular.data.files.encodings import find_encoding; "
        "find_encoding(io.BytesIO('é'.encode())); print('chardet' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_a_character_may_go_on_in_the_next_part_of_a_file(monkeypatch, size):
    monkeypatch.setattr(encodings, "CHUNK", size)
    assert found("city\nŁódź\n東京\n\U0001f600\n").name == "utf-8"


def test_amounts_with_signs_do_not_hide_the_few_words_that_are_odd_in_an_encoding():
    names = ("Hélène", "François", "Zoë", "Anaïs")
    lines = [f"{names[euros % 4]};{euros}\u00a0012,50\u00a0€\n" for euros in range(1, 300)]
    assert found("".join(lines), "cp1252").name == "cp1252"  # cp874 reads these signs, too, and H้l่ne
