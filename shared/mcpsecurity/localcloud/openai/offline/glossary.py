"""Everyday words of German, French and Spanish, each with what it is in English."""

__all__ = ["FUNCTION_WORDS", "GLOSSARY", "PATTERNS"]

FUNCTION_WORDS = {
    "en": (
        "the is are what which how give me please and in a an of to my i you do who tell roll when does will"
    ),
    "de": (
        "der die das ist sind was wie wer gib gibt mir bitte und im ein eine einen von zu mein ich du dir "
        "wann welcher welche welches wird es den dem für wo kannst hast zwei würfle wirf heute morgen "
        "hallo danke wetter zwischen guten nach tage tagen plane zeige uhr mal auch nächste woche"
    ),
    "fr": (
        "le la les est quel quelle quels quelles donne moi et un une de du des il elle fait mon je tu "
        "vous à au qui quand combien pour entre lance deux bonjour merci demain jours dans météo temps "
        "heure salut suis es quoi peux avec s'il plaît planifie voyage"
    ),
    "es": (
        "el la los las es son qué que cuál dame y un una de del mi yo tú cómo quién cuándo hace hay en "
        "para entre lanza tira dos hola gracias mañana días tiempo hora buenos buenas estás puedes soy "
        "fecha por favor planifica viaje qué tal"
    ),
}
"""Words that tell a language, separated by spaces."""

# fmt: off
GLOSSARY = {
    "de": {
        "zufallszahl": "random number", "zufallszahlen": "random numbers",
        "zufällige zahl": "random number", "zufällige zahlen": "random numbers", "zahl": "number",
        "zahlen": "numbers", "zwischen": "between", "und": "and", "oder": "or", "von": "from",
        "bis": "until", "bis zu": "until", "würfle": "roll", "würfeln": "roll", "wirf": "roll",
        "wirfst": "roll", "würfel": "dice", "einen würfel": "a dice", "münze": "coin",
        "eine münze": "a coin", "ein": "a", "eine": "a", "einen": "a", "einem": "a", "einer": "a",
        "zwei": "two", "drei": "three", "vier": "four", "fünf": "five", "sechs": "six", "sieben": "seven",
        "acht": "eight", "neun": "nine", "zehn": "ten", "zwölf": "twelve", "wetter": "weather",
        "das wetter": "the weather", "wettervorhersage": "weather forecast", "vorhersage": "forecast",
        "regnet": "rain", "regnet es": "does it rain", "schneit es": "does it snow", "regnen": "rain",
        "regen": "rain", "schneit": "snow", "schneien": "snow", "schnee": "snow", "sonnig": "sunny",
        "warm": "warm", "kalt": "cold", "wärmer": "warmer", "kälter": "colder", "windig": "windy",
        "wind": "wind", "temperatur": "temperature", "regenschirm": "umbrella", "schirm": "umbrella",
        "feucht": "humid", "heiß": "hot", "heiss": "hot", "in": "in", "im": "in", "in der": "in",
        "für": "for", "nach": "to", "am": "on", "um": "at", "heute": "today", "morgen": "tomorrow",
        "übermorgen": "day after tomorrow", "gestern": "yesterday", "jetzt": "now", "gerade": "now",
        "tag": "day", "tage": "days", "tagen": "days", "woche": "week", "wochen": "weeks", "monat": "month",
        "monate": "months", "monaten": "months", "jahr": "year", "jahren": "years", "nächste": "next",
        "nächsten": "next", "nächster": "next", "nächstes": "next", "kommenden": "next",
        "kommendes": "next", "diese": "this", "diesen": "this", "dieses": "this", "wochenende": "weekend",
        "montag": "monday", "dienstag": "tuesday", "mittwoch": "wednesday", "donnerstag": "thursday",
        "freitag": "friday", "samstag": "saturday", "sonntag": "sunday", "januar": "january",
        "februar": "february", "märz": "march", "mai": "may", "juni": "june", "juli": "july",
        "oktober": "october", "dezember": "december", "weihnachten": "christmas", "ostern": "easter",
        "silvester": "new year's eve", "neujahr": "new year", "datum": "date", "welches datum": "what date",
        "welcher tag": "what day", "wochentag": "day of the week", "uhrzeit": "time", "zeit": "time",
        "wie spät ist es": "what time is it", "wie viel uhr ist es": "what time is it",
        "wieviel uhr ist es": "what time is it", "wie viele": "how many", "wieviele": "how many",
        "was": "what", "wie": "how", "wer": "who", "wann": "when", "welche": "which", "welches": "which",
        "welcher": "which", "ist": "is", "sind": "are", "es": "it", "wird": "will", "der": "the",
        "die": "the", "das": "the", "den": "the", "dem": "the", "ich": "i", "mir": "me", "mich": "me",
        "mein": "my", "meine": "my", "du": "you", "brauche ich": "do i need", "bitte": "please",
        "gib": "give", "gib mir": "give me", "zeige": "show", "zeig": "show", "nenne": "give",
        "nenn": "give", "wirft": "roll", "wer bin ich": "who am i", "plane": "plan", "plan": "plan",
        "reise": "trip", "eine reise": "a trip", "personen": "travellers", "leute": "travellers",
        "hallo": "hello", "guten tag": "hello", "guten morgen": "good morning",
        "guten abend": "good evening", "danke": "thanks", "vielen dank": "thanks", "dankeschön": "thanks",
        "tschüss": "bye", "auf wiedersehen": "bye", "was kannst du": "what can you do",
        "was kannst du alles": "what can you do", "hilfe": "help", "wie geht es dir": "how are you",
        "wie geht's": "how are you", "wer bist du": "who are you", "werkzeuge": "tools",
        "welche werkzeuge hast du": "what tools do you have", "hast": "have", "noch eine": "another",
        "noch einen": "another", "nochmal": "again", "noch einmal": "again", "was ist mit": "what about",
        "und wie ist es": "and how is it", "auf basis von": "based on", "basierend auf": "based on",
        "aktuellen": "current", "aktuelle": "current", "aktuelles": "current", "zeitzone": "time zone",
        "interessen": "interests", "essen": "food", "museen": "museums", "natur": "nature",
        "wirf eine münze": "flip a coin", "witz": "joke", "gedicht": "poem", "erzähle": "tell",
        "erzähl": "tell", "schreibe": "write", "mit": "with", "ab": "from",
    },
    "fr": {
        "nombre aléatoire": "random number", "nombres aléatoires": "random numbers",
        "nombre au hasard": "random number", "chiffre au hasard": "random number", "nombre": "number",
        "nombres": "numbers", "entre": "between", "et": "and", "ou": "or", "lance": "roll",
        "lancer": "roll", "lancez": "roll", "jette": "roll", "dé": "dice", "dés": "dice", "un dé": "a dice",
        "pièce": "coin", "une pièce": "a coin", "pile ou face": "flip a coin",
        "tire à pile ou face": "flip a coin", "joue à pile ou face": "flip a coin", "un": "a", "une": "a",
        "deux": "two", "trois": "three", "quatre": "four", "cinq": "five", "dix": "ten", "douze": "twelve",
        "météo": "weather", "la météo": "the weather", "quel temps fait-il": "what is the weather",
        "quel temps fera-t-il": "what will the weather be", "quel temps": "what weather", "pleut": "rain",
        "pleuvoir": "rain", "pleuvra": "rain", "pluie": "rain", "neige": "snow", "neiger": "snow",
        "chaud": "warm", "froid": "cold", "plus chaud": "warmer", "plus froid": "colder", "soleil": "sunny",
        "vent": "wind", "température": "temperature", "parapluie": "umbrella", "prévisions": "forecast",
        "à": "in", "au": "in", "en": "in", "dans": "in", "pour": "for", "aujourd'hui": "today",
        "aujourd’hui": "today", "demain": "tomorrow", "après-demain": "day after tomorrow",
        "hier": "yesterday", "maintenant": "now", "jour": "day", "jours": "days", "semaine": "week",
        "semaines": "weeks", "mois": "months", "an": "year", "ans": "years",
        "semaine prochaine": "next week", "la semaine prochaine": "next week", "week-end": "weekend",
        "ce week-end": "this weekend", "week-end prochain": "next weekend", "lundi": "monday",
        "mardi": "tuesday", "mercredi": "wednesday", "jeudi": "thursday", "vendredi": "friday",
        "samedi": "saturday", "dimanche": "sunday", "janvier": "january", "février": "february",
        "mars": "march", "avril": "april", "mai": "may", "juin": "june", "juillet": "july",
        "août": "august", "septembre": "september", "octobre": "october", "novembre": "november",
        "décembre": "december", "noël": "christmas", "pâques": "easter", "nouvel an": "new year",
        "jusqu'à": "until", "jusqu’à": "until", "date": "date", "quelle heure est-il": "what time is it",
        "quelle heure il est": "what time is it", "l'heure": "the time", "l’heure": "the time",
        "heure": "time", "combien de": "how many", "combien": "how many", "quel": "what", "quelle": "what",
        "quels": "what", "quelles": "what", "qui": "who", "quand": "when", "quoi": "what", "est": "is",
        "le": "the", "la": "the", "les": "the", "je": "i", "moi": "me", "mon": "my", "ma": "my",
        "tu": "you", "vous": "you", "fait-il": "is it", "va-t-il": "will it", "il": "it",
        "s'il te plaît": "please", "s'il vous plaît": "please", "donne": "give", "donne-moi": "give me",
        "donnez-moi": "give me", "montre": "show", "montre-moi": "show me", "qui suis-je": "who am i",
        "planifie": "plan", "organise": "plan", "voyage": "trip", "un voyage": "a trip",
        "personnes": "travellers", "bonjour": "hello", "salut": "hello", "bonsoir": "good evening",
        "coucou": "hello", "merci": "thanks", "merci beaucoup": "thanks", "au revoir": "bye",
        "que peux-tu faire": "what can you do", "que sais-tu faire": "what can you do",
        "qu'est-ce que tu peux faire": "what can you do", "aide": "help", "aide-moi": "help",
        "comment vas-tu": "how are you", "comment ça va": "how are you", "ça va": "how are you",
        "qui es-tu": "who are you", "outils": "tools", "encore un": "another", "encore": "again",
        "ai-je besoin": "do i need", "j'ai besoin": "i need", "un parapluie": "an umbrella", "d'un": "a",
        "fuseau horaire": "time zone", "musées": "museums", "gastronomie": "food", "écris": "write",
        "poème": "poem", "blague": "joke", "sera": "will be",
    },
    "es": {
        "número aleatorio": "random number", "números aleatorios": "random numbers",
        "número al azar": "random number", "números al azar": "random numbers", "número": "number",
        "números": "numbers", "entre": "between", "y": "and", "o": "or", "lanza": "roll", "tira": "roll",
        "lanzar": "roll", "tirar": "roll", "dado": "dice", "dados": "dice", "un dado": "a dice",
        "moneda": "coin", "una moneda": "a coin", "un": "a", "una": "a", "dos": "two", "tres": "three",
        "cuatro": "four", "cinco": "five", "diez": "ten", "doce": "twelve", "el tiempo": "the weather",
        "tiempo": "weather", "clima": "weather", "qué tiempo hace": "what is the weather",
        "que tiempo hace": "what is the weather", "qué tiempo hará": "what will the weather be",
        "llueve": "rain", "llover": "rain", "lloverá": "rain", "lluvia": "rain", "nieva": "snow",
        "nevar": "snow", "calor": "warm", "frío": "cold", "sol": "sunny", "viento": "wind",
        "temperatura": "temperature", "paraguas": "umbrella", "pronóstico": "forecast",
        "previsión": "forecast", "en": "in", "para": "for", "a": "to", "hoy": "today", "mañana": "tomorrow",
        "pasado mañana": "day after tomorrow", "ayer": "yesterday", "ahora": "now", "dentro de": "in",
        "día": "day", "días": "days", "semana": "week", "semanas": "weeks", "mes": "month",
        "meses": "months", "año": "year", "años": "years", "próxima semana": "next week",
        "la próxima semana": "next week", "próximo": "next", "próxima": "next", "este": "this",
        "esta": "this", "fin de semana": "weekend", "lunes": "monday", "martes": "tuesday",
        "miércoles": "wednesday", "jueves": "thursday", "viernes": "friday", "sábado": "saturday",
        "domingo": "sunday", "enero": "january", "febrero": "february", "marzo": "march", "abril": "april",
        "mayo": "may", "junio": "june", "julio": "july", "agosto": "august", "septiembre": "september",
        "octubre": "october", "noviembre": "november", "diciembre": "december", "navidad": "christmas",
        "año nuevo": "new year", "semana santa": "easter", "pascua": "easter", "hasta": "until",
        "fecha": "date", "qué hora es": "what time is it", "que hora es": "what time is it",
        "la hora": "the time", "hora": "time", "cuántos": "how many", "cuántas": "how many",
        "cuantos": "how many", "qué": "what", "que": "what", "cuál": "what", "quién": "who",
        "cuándo": "when", "es": "is", "está": "is", "hace": "is it", "va a": "will it", "el": "the",
        "la": "the", "los": "the", "las": "the", "yo": "i", "mi": "my", "tú": "you", "necesito": "i need",
        "por favor": "please", "dame": "give me", "muestra": "show", "muéstrame": "show me",
        "quién soy": "who am i", "planifica": "plan", "organiza": "plan", "viaje": "trip",
        "un viaje": "a trip", "personas": "travellers", "hola": "hello", "buenos días": "good morning",
        "buenas tardes": "hello", "buenas noches": "good evening", "gracias": "thanks",
        "muchas gracias": "thanks", "adiós": "bye", "qué puedes hacer": "what can you do",
        "que puedes hacer": "what can you do", "ayuda": "help", "cómo estás": "how are you",
        "qué tal": "how are you", "quién eres": "who are you", "herramientas": "tools", "otro": "another",
        "otra": "another", "otra vez": "again", "zona horaria": "time zone", "museos": "museums",
        "comida": "food", "escribe": "write", "poema": "poem", "chiste": "joke", "será": "will be",
    },
}
"""For each language, words and phrases with their English; the longest that fits is taken."""

PATTERNS = {
    "de": (
        (r"\bin (\d+|zwei|drei|vier|sechs) (tagen|wochen|monaten)", r"in \1 \2"),
        (r"\bguten morgen\b", "good morning"),
        (r"\bmorgen früh\b", "morgen"),
        (r"\b(zwei|drei|vier|fünf|sechs|\d+) würfeln?\b", r"\1 dice"),
    ),
    "fr": (
        (r"\bde (-?\d+) à (-?\d+)", r"from \1 to \2"),
        (r"\b(?:météo|temps) (?:de|à|pour|d') ?", "weather in "),
        (r"\bdu (\d{1,2}) au (\d{1,2}) ([^\W\d_]+)", r"from \1 \3 to \2 \3"),
        (r"\bquel jour (?:sommes-nous|est-on)", "what day is it"),
        (r"\b(lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) prochain", r"next \1"),
        (r"\b(?:l'|l’|d'|d’|qu'|qu’)(?=[^\W\d_])(?!heure)", ""),
    ),
    "es": (
        (r"\bde (-?\d+) a (-?\d+)", r"from \1 to \2"),
        (r"\bdel (\d{1,2}) al (\d{1,2}) de ([^\W\d_]+)", r"from \1 \3 to \2 \3"),
        (r"\b(\d{1,2}) de (?=[^\W\d_]+)", r"\1 "),
        (r"\bqué día es\b", "what day is it"),
        (r"[¿¡]", ""),
    ),
}
"""Rewritings before the words: patterns, case-insensitive, each with its replacement."""
# fmt: on
