"""The names of months in many languages, in English."""

import re

from tabular.data.values.cells import lazily

__all__ = ["ANY_MARKED", "MARKED", "in_english", "place_of"]

# Names of months that strptime does not know: French, German, Spanish, Italian, Portuguese, Dutch; Danish,
# Norwegian and Swedish; Polish, Czech, Russian and Turkish; then Finnish, Hungarian, Slovak, Romanian,
# Indonesian, Ukrainian, Bulgarian, Greek, Arabic and Hebrew. After these, those of Unicode's CLDR, in full
# and short, for these languages, the Baltic and other Slavic ones, Albanian, Icelandic, Catalan, Galician,
# Azerbaijani, Uzbek, Kazakh, Malay, Filipino, Swahili, Afrikaans, Georgian, Persian and Urdu. None is
# Croatian, where lipanj is June and listopad October, nor a short one that is another word, such as pro.
_MONTHS = {
    "Jan": "janv janvier jän jänner januar ene enero gen gennaio janeiro januari "
    "stycznia styczeń ledna leden января январь янв ocak "
    "tammikuuta január ianuarie січня януари ιανουαρίου يناير ינואר "
    "sty januára ian јануар јан јануари яну janar sausio saus sausis janvāris jaanuar jaan janúar "
    "gener xaneiro xan oca yanvar yan січ січень студзеня сту студзень қаңтар қаң \u03b9\u03b1\u03bd "
    "\u03b9\u03b1\u03bd\u03bf\u03c5ά\u03c1\u03b9\u03bf\u03c3 tammikuu januarie იანვარი იან ינו جنوری "
    "ژانویه",
    "Feb": "févr fevr février fevrier februar febr febrero febbraio fev fevereiro februari "
    "lutego luty února únor февраля февраль фев şubat "
    "helmikuuta február februarie лютого февруари φεβρουαρίου فبراير פברואר "
    "lut februára фебруар феб shkurt shk vasario vas vasaris februāris veebruar veebr febrúar febrer "
    "febreiro şub fevral февр лют лютий лютага люты ақпан ақп φ\u03b5β "
    "φ\u03b5β\u03c1\u03bf\u03c5ά\u03c1\u03b9\u03bf\u03c3 helmikuu pebrero peb თებერვალი თებ subat פבר "
    "فروری فوریه",
    "Mar": "\u0431\u0435\u0440 mars mär mrz märz maerz marzo março marco mrt maart "
    "marts marca marzec března březen марта март мар mart "
    "maaliskuuta március marca martie maret березня μαρτίου مارس מרץ "
    "marec márc kovo kov kovas märts març березень сакавіка сак сакавік наурыз нау μ\u03b1\u03c1 "
    "μά\u03c1\u03c4\u03b9\u03bf\u03c3 μά\u03c1 maaliskuu mac marso machi მარტი მარ مارچ",
    "Apr": "bal avr avril abr abril aprile kwietnia kwiecień dubna duben апреля апрель апр nisan "
    "huhtikuuta április apríla aprilie квітня април απριλίου أبريل ابريل אפריל "
    "kwi apríl ápr prill pri balandžio balandis aprīlis aprill nis aprel квіт квітень красавіка кра "
    "красавік сәуір сәу \u03b1π\u03c1 \u03b1π\u03c1ίλ\u03b9\u03bf\u03c3 huhtikuu aprili აპრილი აპრ "
    "אפר اپریل آوریل",
    "May": "mai mayo mag maggio maio mei maj maja května květen мая май may\u0131s "
    "toukokuuta május mája травня май μαΐου مايو מאי "
    "máj мај gegužės geg gegužė maijs maí maig трав травень мамыр мам μά\u03b9\u03bf\u03c3 μά\u03b9 "
    "toukokuu მაისი მაი mayis μ\u03b1ΐ مئی مه",
    "Jun": "juin juni junio giu giugno junho czerwca czerwiec června červen июня июнь июн haziran "
    "kesäkuuta június júna iunie червня юни ιουνίου يونيو יוני "
    "cze jún iun јун junij јуни qershor qer birželio birž birželis jūnijs jūn juuni júní juny xuño "
    "haz iyun iyn черв червень чэрвеня чэр чэрвень маусым мау \u03b9\u03bf\u03c5\u03bd "
    "\u03b9\u03bfύ\u03bd\u03b9\u03bf\u03c3 \u03b9\u03bfύ\u03bd kesäkuu hunyo hun junie ივნისი ივნ جون "
    "ژوئن",
    "Jul": "juill juil juillet juli julio lug luglio julho lipca lipiec července červenec июля июль июл "
    "temmuz heinäkuuta július júla iulie липня юли ιουλίου يوليو יולי "
    "júl iul јул julij јули korrik korr liepos liep liepa jūlijs jūl juuli júlí juliol xullo xul tem "
    "iyul iyl лип липень ліпеня ліп ліпень шілде шіл \u03b9\u03bf\u03c5λ "
    "\u03b9\u03bfύλ\u03b9\u03bf\u03c3 \u03b9\u03bfύλ heinäkuu julai hulyo hul julie ივლისი ივლ lip "
    "جولائی ژوئیه",
    "Aug": "août aout ago agosto augustus augusti sierpnia sierpień srpna srpen августа август авг ağustos "
    "elokuuta augusztus augusta agustus серпня αυγούστου أغسطس اغسطس אוגוסט "
    "sie avgust avg gusht gush rugpjūčio rugp rugpjūtis augusts ágúst ágú agost ag ağu avqust avq "
    "серп серпень жніўня жні жнівень тамыз там \u03b1\u03c5\u03b3 "
    "\u03b1ύ\u03b3\u03bf\u03c5\u03c3\u03c4\u03bf\u03c3 \u03b1ύ\u03b3 elokuu agu ogos ogo agosti "
    "აგვისტო აგვ agustos אוג اگست اوت",
    "Sep": "sept septembre septiembre set settembre setembro "
    "września wrzesień září сентября сентябрь сен eylül "
    "syyskuuta szeptember septembra septembrie вересня септември σεπτεμβρίου سبتمبر ספטמבר "
    "wrz szept septembar септембар сеп shtator sht rugsėjo rugs rugsėjis septembris setembre eyl "
    "sentyabr sen sentabr сент вер вересень верасня верасень қыркүйек қыр \u03c3\u03b5π "
    "\u03c3\u03b5π\u03c4έμβ\u03c1\u03b9\u03bf\u03c3 syyskuu setyembre septemba სექტემბერი სექ eylul "
    "ספט ستمبر سپتامبر",
    "Oct": "tet octobre okt oktober octubre ott ottobre out outubro "
    "października październik října říjen октября октябрь окт ekim "
    "lokakuuta október októbra octombrie жовтня октомври οκτωβρίου أكتوبر اكتوبر אוקטובר "
    "paź oktobar октобар tetor spalio spal spalis oktobris oktoober eki oktyabr oktabr жовт жовтень "
    "кастрычніка кас кастрычнік қазан қаз \u03bf\u03ba\u03c4 "
    "\u03bf\u03ba\u03c4ώβ\u03c1\u03b9\u03bf\u03c3 lokakuu oktubre oktoba ოქტომბერი ოქტ אוק اکتوبر "
    "اکتبر",
    "Nov": "novembre noviembre novembro listopada listopad listopadu ноября ноябрь ноя kas\u0131m "
    "marraskuuta novembra noiembrie листопада ноември νοεμβρίου نوفمبر נובמבר "
    "novembar новембар нов ное nëntor nën lapkričio lapkr lapkritis novembris nóvember nóv kas noyabr "
    "noy нояб лист листопад лістапада ліс лістапад қараша қар \u03bd\u03bf\u03b5 "
    "\u03bd\u03bfέμβ\u03c1\u03b9\u03bf\u03c3 \u03bd\u03bfέ marraskuu nobyembre nob novemba ნოემბერი "
    "ნოე kasim lis נוב نومبر نوامبر",
    "Dec": "déc décembre decembre dez dezember dic diciembre dicembre dezembro "
    "grudnia grudzień prosince prosinec декабря декабрь дек aral\u0131k "
    "joulukuuta decembra decembrie desember грудня декември δεκεμβρίου ديسمبر דצמבר "
    "gru decembar децембар дец dhjetor dhj gruodžio gruod gruodis decembris detsember dets des "
    "desembre decembro ara dekabr dek груд грудень снежня сне снежань желтоқсан жел δ\u03b5\u03ba "
    "δ\u03b5\u03baέμβ\u03c1\u03b9\u03bf\u03c3 joulukuu disember dis disyembre desemba დეკემბერი დეკ "
    "aralik דצמ دسمبر دسامبر",
}
# Names with dots or marks that are no letters: Thai and Hindi.
_MARKED = {
    "Jan": "มกราคม ม.ค. जनवरी जन॰",
    "Feb": "กุมภาพันธ์ ก.พ. फ़रवरी फरवरी फ़र॰ फर॰",
    "Mar": "มีนาคม มี.ค. मार्च",
    "Apr": "เมษายน เม.ย. अप्रैल",
    "May": "พฤษภาคม พ.ค. मई",
    "Jun": "มิถุนายน มิ.ย. जून",
    "Jul": "กรกฎาคม ก.ค. जुलाई जुल॰",
    "Aug": "สิงหาคม ส.ค. अगस्त अग॰",
    "Sep": "กันยายน ก.ย. सितंबर सितम्बर सित॰",
    "Oct": "ตุลาคม ต.ค. अक्टूबर अक्तूबर अक्टू॰",
    "Nov": "พฤศจิกายน พ.ย. नवंबर नवम्बर नव॰",
    "Dec": "ธันวาคม ธ.ค. दिसंबर दिसम्बर दिस॰",
}
MARKED = {name: english for english, names in _MARKED.items() for name in names.split()}
ANY_MARKED = lazily("|".join(map(re.escape, sorted(MARKED, key=len, reverse=True))))
MONTHS = {name.casefold(): english for english, names in _MONTHS.items() for name in names.split()}
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
