"""Templates and words of the SYNTHETIC alt-texts, in five languages.

A template is a format string. {x} is the name of one thing in the picture, {X} the same in Title Case, {ax}
with its article, {xs} and {Xs} all things ("dog, cat and apple"), {axs} all with articles, {kw} a keyword
of the first thing; {color} is the true colour of the background. Any other blank is a fresh draw: a word of
the language, or a name, a number, a part of a date.
"""

from streams import listed

Words = dict[str, tuple[str, ...]]

ENGLISH_FAMILIES: dict[str, tuple[str, ...]] = {
    "stock": (
        "{xs} isolated on {color} background",
        "{xs} on {color} background stock photo",
        "{ax} on a {color} background",
        "Free {x} image",
        "free {x} photo",
        "royalty free image of {ax}",
        "{Xs} Stock Photo",
        "Stock Photo - {Xs}",
        "{x} stock image, free picture",
        "{adj} {x} vector illustration on {color} background",
        "Free photo: {xs}, {kw}, {color}, background",
        "{X} Background Images, HD Pictures and Wallpaper For Free Download",
        "close up of {ax} , isolated on {color}",
        "{adj} {x} with {color} background - free picture",
        "{x} clip art [free download]",
        "Set of {adj} icons: {xs}. Vector image",
        "{adj} {x} icon ({color})",
        "{axs} against a {color} background",
        "{x} image by {credit} via stock photo library",
    ),
    "photo_of": (
        "a photo of {ax}",
        "photo of {axs}",
        "Photo of {ax} {place}",
        "a picture of {axs}",
        "an image of {ax} and the {color} background",
        "image of {xs}",
        "picture of {ax} {place}.",
        "This is a photo of {ax}, taken {place}",
        "a {adj} picture of {ax}",
        "Image may contain: {xs}",
        "close-up photo of {ax}",
        "{color} photo with {axs}",
        "Photo: {Xs}",
        "Picture of my {adj} {x} :)",
        "{Color} image with {ax}",
    ),
    "product": (
        "{Brand} {X} - {Adj} Gift, {Color}",
        "{X} Sticker (Pack of {n})",
        "{Adj} {X} Poster Print, {n}x{n} cm",
        "{X} Men's T-Shirt | {Brand}",
        "{x} mug, white, {n} oz",
        "{Brand} {x} toy for kids, {color}",
        'Personalized "{X}" Greeting Card - Free Shipping',
        "{X} Throw Pillow by {credit}",
        "{adj} {x} necklace, sterling silver",
        "{X} Phone Case - {Color} / {Brand} {n}",
        "Buy {x} online at the best price",
        "{X} Wall Art Canvas, {n} x {n}",
        "{n} pcs {Adj} {X} Party Decoration, {Color}",
        "{x} , {color}, {n} pieces",
        "New! {Brand} {X}, ${n}.99",
    ),
    "blog": (
        "How to draw {ax} in {n} easy steps",
        "our {adj} {x} {place}",
        "Happy {weekday}! {Xs}...",
        "My {adj} {x} and me, {month} {year}",
        "The best {x} I've ever seen!",
        '"{X}" by {credit}',
        "with {ax} {place}",
        "{n} reasons why you need {ax}",
        "{X}: everything you need to know",
        "{x} for beginners - part {n}",
        "Who doesn't love {ax}?",
        "{X} ({month} {year})",
        "diy {x} craft for kids, with free printable",
        "{adj} {x} / photo by {credit}",
        "the {x} is here!!!",
        "what does {ax} mean in a dream?",
        "{X} party ideas; so {adj}",
    ),
    "scene": (
        "{xs} {place}",
        "{axs} {place}",
        "{Axs} {place}.",
        "{adj} {x} {place} at sunset",
        "{xs} {place}, {month} {year}",
        "the {x} and the {color} wall",
        "{ax} in front of a {color} wall",
        "There is {ax} {place}.",
        "two friends and {ax} {place}",
        "{Xs} {place} ({credit})",
    ),
    "keywords": (
        "{xs}, {kw}, {kw}, background, free",
        "{x}, {kw}, {color}, image, photo",
        "{x} {kw} {kw} {color} picture",
        "{x} | {kw} | {kw}",
        "{xs}, {kw}, {adj}, {color}, isolated, white background",
        "#{kw} #{kw} {x}",
        "{kw}, {kw}, {x}, icon, sign, symbol, vector",
        "{x}; {kw}; {kw}",
        "{X}, {Kw}, Free, Download, Image",
    ),
    "plain": (
        "{xs}",
        "{xs}",
        "{x}",
        "{X}",
        "{ax}",
        "{Xs}",
        "{adj} {x}",
        "{Adj} {X}",
        "The {X}",
        "{X}.",
        "{X}!",
        "({x})",
        "{x} - {x}",
        "{color} {x} thumbnail",
        "{X} {n}",
    ),
}

OTHER_TEMPLATES: dict[str, tuple[str, ...]] = {
    "de": (
        "{xs} auf {color} Hintergrund",
        "Foto von {xs}",
        "Bild: {xs}",
        "Lizenzfreies Bild: {x}, {color} Hintergrund",
        "{x} {place}",
        "{xs} {place}, {month} {year}",
        "{x} kaufen - kostenlose Lieferung ab {n} €",
        "Stockfoto {x}",
        "{adj} {x} (Foto: {credit})",
        "Schönen {weekday}! {x}",
        "{x}",
        "{x} Aufkleber, {n} Stück",
        "Malvorlage {x} zum Ausdrucken",
        "Die besten {n} Ideen: {x} für Kinder",
        "{x} – kostenloses Bild",
    ),
    "es": (
        "{xs} sobre fondo {color}",
        "foto de {xs}",
        "Imagen gratis de {x}",
        "{x} {place}",
        "{xs} {place}, {month} de {year}",
        "Vector de {x} en fondo {color}",
        "Fotos de {x}, imágenes libres de derechos",
        "¡Feliz {weekday}! {x}",
        "Camiseta de {x}, talla {n}",
        "{x}",
        "Cómo dibujar {x} paso a paso",
        "{x} {adj}",
        "¿Qué significa {x}?",
        "Dibujo de {x} para colorear",
        "{xs} (foto: {credit})",
    ),
    "zh": (
        "{xs}的照片",
        "{color}背景上的{x}",
        "免费{x}图片下载",
        "{place}的{x}",
        "{adj}的{x}",
        "{xs}",
        "{x}矢量图，{color}背景",
        "{x}高清图片",
        "【包邮】{x}贴纸 {n}张",
        "{year}年 {x} 壁纸",
        "{x}怎么画？",
        "图片：{xs}",
    ),
    "ja": (
        "{xs}の写真",
        "{color}背景の{x}",
        "{x}のイラスト 無料素材",
        "{place}の{x}",
        "{adj}{x}",
        "{xs}",
        "フリー素材 {x} {color}",
        "{x}ステッカー {n}枚セット",
        "【送料無料】{x}",
        "{x}の描き方！",
        "{year}年 {xs} {place}",
        "「{x}」の画像",
    ),
}

CREDIT = listed(
    "admin, staff, editor, user118, user2043, user77125, webmaster, contributor 5, contributor 314"
)
YEAR = tuple(str(year) for year in range(2006, 2024))
NUMBER = listed("2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 15, 16, 20, 24, 30, 50, 100")

WORDS: dict[str, Words] = {
    "en": {
        "adj": listed(
            "cute, beautiful, vintage, little, funny, modern, colorful, big, new, old, pretty, cartoon, "
            "hand drawn, watercolor, retro, happy, amazing, simple, flat, 3d, tiny"
        ),
        "place": listed(
            "in the garden, in the kitchen, on the table, at the beach, in the park, at home, on the "
            "road, in the snow, at the market, in the city, by the lake, in the living room, at the "
            "zoo, in New York, in the forest, at school, on a sunny day, under a tree"
        ),
        "month": listed(
            "January, February, March, April, May, June, July, August, September, October, November, December"
        ),
        "weekday": listed("Monday, Friday, Sunday, Birthday, New Year, Easter, Halloween, Mother's Day"),
        "brand": listed("Nordlys, Pixelpaw, Acme, Sunny & Co., TinyThings, Blue Kite, Marlow"),
    },
    "de": {
        "adj": listed("Lustiges Bild:, Vintage, Retro, Mini, Schönes Bild:, Deko, Aquarell"),
        "place": listed("im Garten, in der Küche, am Strand, auf dem Tisch, im Schnee, in Berlin, im Wald"),
        "month": listed("Januar, März, Mai, Juni, Juli, Oktober, Dezember"),
        "weekday": ("Montag", "Freitag", "Sonntag", "Feierabend", "Advent"),
    },
    "es": {
        "adj": listed("de dibujos animados, vintage, infantil, en acuarela, minimalista, original"),
        "place": listed("en el jardín, en la cocina, en la playa, sobre la mesa, en la nieve, en Madrid"),
        "month": listed("enero, marzo, mayo, junio, julio, octubre, diciembre"),
        "weekday": ("lunes", "viernes", "domingo", "cumpleaños", "Navidad"),
    },
    "zh": {
        "adj": listed("可爱, 漂亮, 复古, 手绘, 卡通, 彩色, 新款"),
        "place": listed("花园里, 厨房里, 海边, 桌子上, 雪地里, 北京, 公园里"),
    },
    "ja": {
        "adj": listed("かわいい, きれいな, レトロな, 手描きの, カラフルな, 小さな, シンプルな"),
        "place": listed("庭, 台所, 海辺, テーブルの上, 雪の中, 東京, 公園"),
    },
}

COLORS: dict[str, tuple[str, ...]] = {  # in the order of the English row; German in the dative
    "en": listed("white, blue, green, black, grey, pink, yellow, red, orange, purple, brown, beige"),
    "de": listed(
        "weißem, blauem, grünem, schwarzem, grauem, rosa, gelbem, rotem, orangem, lila, braunem, beigem"
    ),
    "es": listed("blanco, azul, verde, negro, gris, rosa, amarillo, rojo, naranja, morado, marrón, beige"),
    "zh": listed("白色, 蓝色, 绿色, 黑色, 灰色, 粉色, 黄色, 红色, 橙色, 紫色, 棕色, 米色"),
    "ja": listed("白, 青, 緑, 黒, グレー, ピンク, 黄色, 赤, オレンジ, 紫, 茶色, ベージュ"),
}

# How a language joins the things of a picture: (between all, before the last).
JOINS: dict[str, tuple[tuple[str, str], ...]] = {
    "en": ((", ", " and "), (", ", " and "), (", ", ", "), (" and ", " and "), (", ", " & "), (" + ", " + ")),
    "de": ((", ", " und "), (", ", ", ")),
    "es": ((", ", " y "), (", ", ", ")),
    "zh": (("、", "和"), ("，", "，")),
    "ja": (("と", "と"), ("、", "、")),
}

NOISE: dict[str, tuple[str, ...]] = {
    "file_name": (
        "IMG_{d4}.jpg",
        "IMG_{d4}.JPG",
        "DSC0{d4}.jpg",
        "DSC_{d4}",
        "P10{d4}0.JPG",
        "{y}{m}{d}_{d4}12.jpg",
        "IMG-{y}{m}{d}-WA00{d2}.jpg",
        "image0{d2}.png",
        "img_{d2}-2.gif",
        "photo-{d4}.jpeg",
        "WhatsApp Image {y}-{m}-{d} at {h}.{d2}.jpeg",
        "banner_final_v{n}.png",
        "header-bg-{d2}@2x.png",
        "Untitled-{n}.psd",
        "scan{d4}.tif",
    ),
    "date": (
        "{y}-{m}-{d}",
        "{d}.{m}.{y}",
        "{d}.{m}.{y} {h}:{d2}",
        "{m}/{d}/{y}",
        "{month} {d}, {y}",
        "{month} {y}",
        "Posted on {month} {d}, {y}",
        "Screen Shot {y}-{m}-{d} at {h}.{d2}.{d2}",
        "{d} {month} {y} at {h}:{d2}",
    ),
    "untitled": (
        "untitled photo",
        "untitled photo",
        "Untitled",
        "untitled image",
        "image",
        "Image {n}",
        "photo",
        "Photo {n} of {d2}",
        "picture",
        "no title",
        "default image",
        "placeholder image",
        "thumbnail",
        "Image not available",
        "(no description)",
        "null",
        ".",
        "",
    ),
    "boilerplate": (
        "Free shipping on all orders over ${n}!",
        "Click here to enlarge the image",
        "Click image for larger version",
        "SALE - {d2}% off",
        "Best price guaranteed!",
        "Sign up for our newsletter",
        "Follow us on social media",
        "logo",
        "Logo, white",
        "banner",
        "Read more...",
        "Pin it!",
        "View all {n} photos",
        "Add to cart",
        "Loading",
        "Image courtesy of the artist",
        "Advertisement",
        "Share this picture with your friends",
        "Download our free app",
    ),
}

# Names that take no "a": their head word is plural or cannot be counted.
NO_ARTICLE = frozenset(
    listed(
        "people, men, women, busts, bread, bacon, butter, salt, fire, fog, ice, rice, chicken, broccoli, "
        "garlic, popcorn, spaghetti, sushi, wood, yarn, soap, camping, cooking, bowling, tennis, "
        "lacrosse, badminton, baseball, softball, basketball, volleyball, hair, coral, dna, fencing, "
        "metro, sake, mate, skis, candy, poo, water, jeans, police"
    )
)
