"""Prompts that people type at first, each with what a right answer is.

Prompts of one conversation stand in one row. `CALLS` are the tools that the last prompt makes the model call,
`ANSWER` what its answer has: words in any case, as a regular expression.
"""

__all__ = ["PROMPTS"]

NUMBER, DATED, CLOCK, WEATHER, TRIP, ME = (
    "get_random_number", "get_random_number_from_date_time", "get_current_date_time", "get_city_weather",
    "plan_trip", "who_am_i",
)  # fmt: skip
CELSIUS = r"-?\d+(?:[.,]\d+)? °C"
NOW = rf"{CELSIUS}, .+km/h"

# fmt: off
PROMPTS: list[tuple[tuple[str, ...], list[str], str]] = [
    # hello, thanks, and what there is
    (("Hello!",), [], "offline model.*random number.*weather"),
    (("hi there",), [], "offline model"),
    (("What can you do?",), [], "city weather.*trip"),
    (("Which tools do you have?",), [], r"connected.*weather.*\(you can say city\)"),
    (("What does the weather tool need?",), [], r"city weather.*city \(optional\)"),
    (("help",), [], "random number"),
    (("How are you?",), [], "fine"),
    (("Who are you?",), [], "small set of rules"),
    (("Are you ChatGPT?",), [], "offline model.*no large language model"),
    (("Thanks!",), [], "welcome"),
    (("What's the weather in Bern?", "Thank you very much"), [], "welcome"),
    (("bye",), [], "goodbye"),
    (("What is 2+2?",), [], r"\*\*4\*\*"),
    # what no tool here answers
    (("Write me a poem about the sea",), [], "cannot do that"),
    (("What is the capital of France?",), [], "cannot do that"),
    (("What is my phone number?",), [], "cannot do that"),
    (("When is the next full moon?",), [], "cannot do that"),
    (("What time does my train leave?",), [], "cannot do that"),
    (("What was the weather in Zurich yesterday?",), [WEATHER], "only, so I cannot tell about"),
    (("What will the weather be in Rome in March?",), [WEATHER], "only, so I cannot tell about .* March"),
    # numbers, dice and coins
    (("Give me a random number",), [NUMBER], r"your random number is \*\*\d+\*\*"),
    (("Please generate a random number between 1 and 6",), [NUMBER], r"between 1 and 6 is \*\*[1-6]\*\*"),
    (("pick a number from 7 to 7",), [NUMBER], r"between 7 and 7 is \*\*7\*\*"),
    (("Give me a number below 2 and at least 1",), [NUMBER], r"\*\*1\*\*"),
    (("Three random numbers up to 10",), [NUMBER] * 3, r"are \*\*\d+\*\*, \*\*\d+\*\* and \*\*\d+\*\*"),
    (("Roll a dice",), [NUMBER], r"rolled a \*\*[1-6]\*\*"),
    (("Roll two dice",), [NUMBER] * 2, r"rolled \*\*[1-6]\*\* and \*\*[1-6]\*\*: \*\*\d+\*\* in all"),
    (("roll 3d20",), [NUMBER] * 3, r"rolled .*: \*\*\d+\*\* in all"),
    (("Flip a coin",), [NUMBER], r"it is \*\*(heads|tails)\*\*"),
    (("heads or tails?",), [NUMBER], "heads|tails"),
    (("Roll a dice", "again"), [NUMBER], r"rolled a \*\*[1-6]\*\*"),
    (("Give me 3 random numbers", "one more"), [NUMBER], r"is \*\*\d+\*\*"),
    (("Please generate two random numbers, then a third one within the range of the first two.",),
     [NUMBER] * 3, r"are \*\*\d+\*\*, \*\*\d+\*\* and \*\*\d+\*\*"),
    (("A random number based on the current date please",), [CLOCK, DATED], r"number is \*\*\d+\*\*"),
    # dates and times
    (("What time is it?",), [CLOCK], r"it is \*\*\d\d:\d\d\*\* on .*\(UTC\)"),
    (("what time is it in tokyo",), [CLOCK], r"\*\*\d\d:\d\d\*\*.*Asia/Tokyo"),
    (("What time is it in Japan?",), [CLOCK], "Asia/Tokyo"),
    (("What time is it in Gondor?",), [], "time zone of Gondor"),
    (("What day is it today?",), [CLOCK], r"\*\*\d\d:\d\d\*\* on \w+day, \d+ \w+ 20\d\d"),
    (("What date is 90 days from now?",), [CLOCK], r"that is \*\*{in_90_days}\*\*"),
    (("What day of the week is 1 January 2027?",), [CLOCK], r"\*\*Friday, 1 January 2027\*\*"),
    (("How many days until Christmas?",), [CLOCK], r"\*\*{to_christmas} days?\*\* until .*25 December"),
    # the weather
    (("What is the weather in Zurich?",), [WEATHER], f"now in .*zurich.*{NOW}"),
    (("zurich weather",), [WEATHER], f"zurich.*{NOW}"),
    (("Will it rain in Bergen tomorrow?",), [WEATHER], rf"(yes|no)\. tomorrow in .*bergen.*{CELSIUS}"),
    (("Do I need an umbrella in London today?",), [WEATHER], rf"(yes|no)\. today in .*london.*{CELSIUS}"),
    (("How windy is it in Oslo?",), [WEATHER], r"now in \*\*Oslo[^:]*: wind \d+(\.\d+)? km/h\."),
    (("Weather in Paris next weekend",), [WEATHER], rf"(saturday|today|tomorrow).*paris.*{CELSIUS}"),
    (("Forecast for Madrid this week",), [WEATHER], rf"madrid.*{CELSIUS}"),
    (("Is it warmer in Rome or in Oslo?",), [WEATHER] * 2, rf"it is warmer in .*(rome|oslo).*{CELSIUS}"),
    (("What is the weather in Zurich?", "And in Geneva?"), [WEATHER], f"now in .*geneva.*{NOW}"),
    (("Will it rain in Zurich tomorrow?", "and in Lyon?"), [WEATHER], r"(yes|no)\. tomorrow in .*lyon"),
    (("What is the weather in Xyzzyville?",), [WEATHER], "problem.*no city named 'Xyzzyville'"),
    (("Weather in Bern and the time in New York",), [WEATHER, CLOCK], f"bern.*{NOW}.*America/New_York"),
    # the person, and a trip
    (("Who am I?",), [ME], r"you are \*\*Alice Adams\*\* \(alice@"),
    (("Who am I, and what are my permissions?",), [ME], r"Alice Adams.*scopes: \*\*mcp:tools"),
    (("Plan a trip to Lisbon from {tomorrow} to {later} for two people who like food and museums",),
     [TRIP], rf"your trip to \*\*lisbon.*{CELSIUS}"),
    # other languages
    (("Hallo, was kannst du?",), [], "Offline-Modell|Werkzeuge"),
    (("Danke!",), [], "gern geschehen"),
    (("Wie ist das Wetter in Zürich?",), [WEATHER], r"jetzt in .*-?\d+(,\d+)? °C, .*Wind \d"),
    (("Wie ist das Wetter in Bern?", "Und in Genf?"), [WEATHER], "jetzt in .*Geneva"),
    (("Regnet es morgen in Hamburg?",), [WEATHER], r"(ja|nein)\. morgen in .*hamburg"),
    (("Gib mir eine Zufallszahl zwischen 1 und 6",), [NUMBER], r"zwischen 1 und 6: \*\*[1-6]\*\*"),
    (("Würfle mit zwei Würfeln",), [NUMBER] * 2, r"gewürfelt: \*\*[1-6]\*\* und"),
    (("Wie spät ist es in Tokio?",), [CLOCK], r"es ist \*\*\d\d:\d\d\*\* uhr.*Asia/Tokyo"),
    (("Welches Datum ist in 90 Tagen?",), [CLOCK], "das ist"),
    (("Wie viele Tage sind es bis Weihnachten?",), [CLOCK], r"noch \*\*{to_christmas} tage?\*\*"),
    (("Schreibe ein Gedicht",), [], "das kann ich nicht"),
    (("Quel temps fait-il à Paris ?",), [WEATHER], r"maintenant à .*paris.* °C.*vent"),
    (("Quel temps fait-il à Paris ?", "Et à Genève ?"), [WEATHER], "maintenant à .*geneva"),
    (("Donne-moi un nombre aléatoire entre 1 et 6",), [NUMBER], r"entre 1 et 6 : \*\*[1-6]\*\*"),
    (("Quelle heure est-il à Tokyo ?",), [CLOCK], r"il est \*\*\d\d:\d\d\*\*.*Asia/Tokyo"),
    (("Merci beaucoup",), [], "je vous en prie"),
    (("¿Qué tiempo hace en Madrid?",), [WEATHER], r"ahora en .*madrid.* °C.*viento"),
    (("Dame un número aleatorio entre 1 y 6",), [NUMBER], r"entre 1 y 6: \*\*[1-6]\*\*"),
    (("Lanza dos dados",), [NUMBER] * 2, r"ha sacado \*\*[1-6]\*\* y"),
    (("¿Qué hora es en Tokio?",), [CLOCK], r"son las \*\*\d\d:\d\d\*\*.*Asia/Tokyo"),
    (("Hola, ¿qué puedes hacer?",), [], "herramientas"),
]
# fmt: on
