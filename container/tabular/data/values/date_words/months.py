"""The names of months in many languages, in English."""

import re

from tabular.data.values.cells import lazily

__all__ = ["in_english", "place_of"]

# Names of months that strptime does not know: French, German, Spanish, Italian, Portuguese, Dutch; Danish,
# Norwegian and Swedish; Polish, Czech, Russian and Turkish; then Finnish, Hungarian, Slovak, Romanian,
# Indonesian, Ukrainian, Bulgarian, Greek, Arabic and Hebrew.
_MONTHS = {
    "Jan": "janv janvier jän jänner januar ene enero gen gennaio janeiro januari "
    "stycznia styczeń ledna leden января январь янв ocak "
    "tammikuuta január ianuarie січня януари ιανουαρίου يناير ינואר",
    "Feb": "févr fevr février fevrier februar febr febrero febbraio fev fevereiro februari "
    "lutego luty února únor февраля февраль фев şubat "
    "helmikuuta február februarie лютого февруари φεβρουαρίου فبراير פברואר",
    "Mar": "mars mär mrz märz maerz marzo março marco mrt maart "
    "marts marca marzec března březen марта март мар mart "
    "maaliskuuta március marca martie maret березня μαρτίου مارس מרץ",
    "Apr": "avr avril abr abril aprile kwietnia kwiecień dubna duben апреля апрель апр nisan "
    "huhtikuuta április apríla aprilie квітня април απριλίου أبريل ابريل אפריל",
    "May": "mai mayo mag maggio maio mei maj maja května květen мая май may\u0131s "
    "toukokuuta május mája травня май μαΐου مايو מאי",
    "Jun": "juin juni junio giu giugno junho czerwca czerwiec června červen июня июнь июн haziran "
    "kesäkuuta június júna iunie червня юни ιουνίου يونيو יוני",
    "Jul": "juil juillet juli julio lug luglio julho lipca lipiec července červenec июля июль июл temmuz "
    "heinäkuuta július júla iulie липня юли ιουλίου يوليو יולי",
    "Aug": "août aout ago agosto augustus augusti sierpnia sierpień srpna srpen августа август авг ağustos "
    "elokuuta augusztus augusta agustus серпня αυγούστου أغسطس اغسطس אוגוסט",
    "Sep": "sept septembre septiembre set settembre setembro "
    "września wrzesień září сентября сентябрь сен eylül "
    "syyskuuta szeptember septembra septembrie вересня септември σεπτεμβρίου سبتمبر ספטמבר",
    "Oct": "octobre okt oktober octubre ott ottobre out outubro "
    "października październik října říjen октября октябрь окт ekim "
    "lokakuuta október októbra octombrie жовтня октомври οκτωβρίου أكتوبر اكتوبر אוקטובר",
    "Nov": "novembre noviembre novembro listopada listopad listopadu ноября ноябрь ноя kas\u0131m "
    "marraskuuta novembra noiembrie листопада ноември νοεμβρίου نوفمبر נובמבר",
    "Dec": "déc décembre decembre dez dezember dic diciembre dicembre dezembro "
    "grudnia grudzień prosince prosinec декабря декабрь дек aral\u0131k "
    "joulukuuta decembra decembrie desember грудня декември δεκεμβρίου ديسمبر דצמבר",
}
MONTHS = {name: english for english, names in _MONTHS.items() for name in names.split()}
_FULL = {
    name[:3].casefold(): name
    for name in (
        *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
        *("October", "November", "December"),
    )
}
_WORD = lazily(r"[^\W\d_]+\.?")


def in_english(text: str, full: bool) -> str:
    """The text with the names of months in English, as strptime knows them: without a full stop.

    Some full names are the same in English, such as the German November, so the others have to be full, too.
    """

    def name(word: re.Match[str]) -> str:
        given = word[0].rstrip(".")
        short = MONTHS.get(given.casefold(), given)
        return _FULL.get(short.casefold(), short) if full else short

    return _WORD.sub(name, text)


def place_of(word: str) -> int | None:
    """The number of the month with this name, short or in full; None if no month has it."""
    short = MONTHS.get(word.casefold(), word).casefold()
    return next(
        (place for place, (one, full) in enumerate(_FULL.items()) if short in (one, full.casefold())), None
    )
