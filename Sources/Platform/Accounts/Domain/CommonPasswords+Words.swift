extension CommonPasswords {
    /// Words people make passwords of: greetings, love, animals, sports, seasons, first names, teams, heroes, places.
    static let words: Set<String> = Set(
        """
        password passwort passwd pass passphrase motdepasse contrasena senha parola wachtwoord geheim secret secreto
        private changeme change default letmein login logon signin welcome willkommen bienvenue bienvenido hello hallo
        hola bonjour goodbye guest admin administrator root user username test tester testing demo sample example
        temporary temp system server computer internet network windows linux ubuntu android google youtube facebook
        twitter instagram amazon apple microsoft oracle cisco samsung nokia sony nintendo playstation xbox access
        master trustno trustnoone whatever nothing something anything everything nobody somebody unknown
        love iloveyou iloveu loveyou loveme lover lovely loves forever always baby babygirl babyboy honey sweet
        sweetheart sweetie darling angel angels heart hearts kisses kiss princess prince queen king kings lady beauty
        beautiful pretty gorgeous sexy hottie cutie cute happy smile smiley sunshine rainbow butterfly flower flowers
        rose roses lily daisy jasmine violet orchid cherry peach apples banana orange lemon strawberry chocolate cookie
        cookies candy sugar pepper ginger cinnamon cheese pizza coffee whisky vodka
        dog dogs doggy puppy cat cats kitty kitten tiger tigers lion lions bear bears wolf wolves eagle eagles falcon
        falcons hawk panther panthers dragon dragons horse horses monkey monkeys rabbit bunny turtle dolphin dolphins
        shark sharks spider snake cobra scorpion phoenix unicorn bird birds chicken buffalo elephant penguin
        football soccer baseball basketball hockey tennis golf golfer rugby cricket boxing wrestling swimming running
        racing skate surfing sports player players champion winner coach arsenal chelsea liverpool manchester united
        barcelona madrid realmadrid juventus milan bayern dortmund celtic rangers lakers yankees cowboys packers
        steelers raiders redsox ferrari porsche mercedes bmw audi mustang corvette camaro chevy honda toyota yamaha
        harley
        superman batman spiderman ironman wonderwoman hulk thor captain avengers starwars startrek skywalker vader
        yoda matrix pokemon pikachu naruto goku zelda mario sonic minecraft fortnite roblox warcraft starcraft diablo
        counterstrike halo gandalf frodo hobbit merlin arthur camelot sherlock potter harrypotter hogwarts simpsons
        scooby snoopy garfield mickey minnie donald disney barbie elvis metallica nirvana slipknot eminem beatles
        spring summer autumn winter frühling sommer herbst printemps verano invierno january february march april may
        june july august september october november december monday tuesday wednesday thursday friday saturday sunday
        morning night midnight today tomorrow christmas easter halloween holiday birthday weekend
        america american england english london paris france berlin germany deutschland italia roma spain espana
        mexico brasil brazil canada toronto australia sydney india china japan tokyo korea russia moscow poland polska
        sweden norway denmark holland amsterdam europe africa texas california florida boston chicago newyork hawaii
        vegas dallas houston phoenix denver seattle detroit
        michael michelle jennifer jessica ashley amanda daniel david robert william joseph thomas charles chris
        christopher christian matthew anthony andrew andrea joshua justin jordan brandon nicole nicholas stephanie
        samantha elizabeth heather melissa victoria vanessa rachel rebecca maria martha martin marcus mark john johnny
        jonathan james jason jack jackson jacob jake george peter patrick paul philip steven stephen scott ryan kevin
        kyle eric brian bryan alexander alexandra alexis alex anna hannah emma emily olivia sophie sophia laura linda
        lisa sarah sandra susan karen katherine kathleen nancy diana diane donna carol caroline charlotte chloe claire
        maggie max maximus buddy rocky bailey charlie sadie molly lucky lucy ginger oscar toby shadow smokey snickers
        tinkerbell ali ahmed mohamed muhammad fatima hassan ibrahim omar carlos juan jose miguel pedro antonio diego
        marco giovanni francesco luca pierre jean nicolas olivier thierry hans klaus stefan andreas wolfgang ivan
        dmitri sergey natasha olga svetlana
        freedom liberty peace power energy magic mystery wizard warrior warriors soldier sniper hunter killer ninja
        samurai pirate pirates knight ranger legend hero heroes champion monster zombie vampire ghost devil demon evil
        heaven hell jesus jesuschrist christ god godisgood allah buddha bible church faith grace hope blessed spirit
        diamond gold golden silver crystal platinum emerald money dollar dollars rich success business company office
        manager boss family mother father mommy daddy mama papa sister brother friend friends bestfriend school college
        university student teacher music guitar piano drums rock rocknroll hiphop dance dancer movie movies games gamer
        gaming game play summertime water fire earth wind ocean river mountain forest garden island beach moon star
        stars sun galaxy planet universe thunder lightning storm hurricane rain snow snowball blue red green black
        white purple yellow pink silver
        fuckyou fuckoff fuck asshole bitch pussy shit bullshit badass bigdick hardcore sexsex porn
        abc abcd abcde qwe qwer qwert qwerty qwertz azerty asd asdf asdfg asdfgh zxc zxcv zxcvb zxcvbn wasd qaz qazwsx
        qazwsxedc edc rfv tgb yhn lorem ipsum foo bar baz foobar correcthorsebatterystaple thisisapassword
        mypassword yourpassword nopassword password thepassword newpassword oldpassword passme opensesame sesame
        """.split { $0 == " " || $0 == "\n" }.map(String.init)
    )
}
