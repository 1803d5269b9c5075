"""Training data to begin with: the presets of wevi (Xin Rong 2014), and some of ours.

wevi's "kindom" is as it is there, so that numbers can be compared.
"""

PRESETS = {
    "Fruit and juice": (
        "eat|apple, eat|orange, eat|rice, drink|juice, drink|milk, drink|water, "
        "orange|juice, apple|juice, rice|milk, milk|drink, water|drink, juice|drink"
    ),
    "Fruit and juice (CBOW)": (
        "drink^juice|apple, eat^apple|orange, drink^juice|rice, drink^milk|juice, drink^rice|milk, drink^milk|water, "
        "orange^apple|juice, apple^drink|juice, rice^drink|milk, milk^water|drink, water^juice|drink, "
        "juice^water|drink"
    ),
    "Fruit and juice (Skip-gram)": (
        "apple|drink^juice, orange|eat^apple, rice|drink^juice, juice|drink^milk, milk|drink^rice, water|drink^milk, "
        "juice|orange^apple, juice|apple^drink, milk|rice^drink, drink|milk^water, drink|water^juice, "
        "drink|juice^water"
    ),
    "Self loop (5-point)": "A|A, B|B, C|C, D|D, E|E",
    "Directed loop (5-point)": "A|B, B|C, C|D, D|E, E|A",
    "Undirected loop (5-point)": "A|B, B|C, C|D, D|E, E|A, B|A, C|B, D|C, E|D, A|E",
    "King and queen": (
        "king|kindom, queen|kindom, king|palace, queen|palace, king|royal, queen|royal, king|George, queen|Mary, "
        "man|rice, woman|rice, man|farmer, woman|farmer, man|house, woman|house, man|George, woman|Mary"
    ),
    "King and queen (symbol)": (
        "king|a, queen|a, king|b, queen|b, king|c, queen|c, king|x, queen|y, "
        "man|d, woman|d, man|e, woman|e, man|f, woman|f, man|x, woman|y"
    ),
    "Capitals": (
        "Paris|France, Rome|Italy, Madrid|Spain, Paris|city, Rome|city, Madrid|city, "
        "France|country, Italy|country, Spain|country, city|Paris, city|Rome, city|Madrid"
    ),
    "Two topics": (
        "sun|warm, beach|warm, sun|sand, beach|sand, warm|sun, sand|beach, "
        "snow|cold, ice|cold, snow|sledge, ice|sledge, cold|snow, sledge|ice"
    ),
}
