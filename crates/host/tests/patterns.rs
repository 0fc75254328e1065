//! Event patterns on events: a table, a line a case. What AWS's user guide says of each operator is in it, and the corners
//! that `make patterns` cannot ask the other matchers, because those leave AWS's way there.

use alchemiser_host::Pattern;
use serde_json::Value;

/// Pattern, an event that it wants, an event that it does not want.
const CASES: &[(&str, &str, &str)] = &[
    // Literals.
    (r#"{"source":["a"]}"#, r#"{"source":"a"}"#, r#"{"source":"A"}"#),
    (r#"{"source":["a","b"]}"#, r#"{"source":"b"}"#, r#"{"source":"c"}"#),
    (r#"{"source":[""]}"#, r#"{"source":""}"#, r#"{"source":null}"#),
    (r#"{"n":[300]}"#, r#"{"n":3.0e2}"#, r#"{"n":"300"}"#),
    (r#"{"n":[0.1]}"#, r#"{"n":0.10}"#, r#"{"n":0.1001}"#),
    (r#"{"b":[true]}"#, r#"{"b":true}"#, r#"{"b":1}"#),
    (r#"{"b":[false]}"#, r#"{"b":false}"#, r#"{"b":0}"#),
    (r#"{"v":[null]}"#, r#"{"v":null}"#, r"{}"),
    (r#"{"a":[1],"b":[2]}"#, r#"{"a":1,"b":2,"c":3}"#, r#"{"a":1}"#),
    (r#"{"detail":{"state":["x"]}}"#, r#"{"detail":{"state":"x"}}"#, r#"{"detail":"x"}"#),
    (r#"{"detail":{"a":{"b":["x"]}}}"#, r#"{"detail":{"a":{"b":"x"}}}"#, r#"{"detail":{"b":"x"}}"#),
    // Arrays in the event.
    (r#"{"a":["x"]}"#, r#"{"a":["w","x"]}"#, r#"{"a":["w"]}"#),
    (r#"{"a":["x"]}"#, r#"{"a":[["w"],["x"]]}"#, r#"{"a":[]}"#),
    (
        r#"{"o":{"s":["A"],"d":["buy"]}}"#,
        r#"{"o":[{"s":"B","d":"sell"},{"s":"A","d":"buy"}]}"#,
        r#"{"o":[{"s":"B","d":"buy"},{"s":"A","d":"sell"}]}"#,
    ),
    (r#"{"a":[{"numeric":[">",5]}]}"#, r#"{"a":[1,9]}"#, r#"{"a":[1,"9"]}"#),
    (r#"{"a":[{"anything-but":"x"}]}"#, r#"{"a":["x","y"]}"#, r#"{"a":["x","x"]}"#),
    // Prefix and suffix.
    (r#"{"t":[{"prefix":"2026-"}]}"#, r#"{"t":"2026-11"}"#, r#"{"t":"x2026-11"}"#),
    (r#"{"t":[{"prefix":""}]}"#, r#"{"t":""}"#, r#"{"t":1}"#),
    (r#"{"t":[{"prefix":"ab"}]}"#, r#"{"t":"ab"}"#, r#"{"t":"a"}"#),
    (
        r#"{"t":[{"prefix":{"equals-ignore-case":"EventB"}}]}"#,
        r#"{"t":"eventBUS"}"#,
        r#"{"t":"even"}"#,
    ),
    (r#"{"f":[{"suffix":".png"}]}"#, r#"{"f":"a.png"}"#, r#"{"f":"a.PNG"}"#),
    (r#"{"f":[{"suffix":{"equals-ignore-case":".png"}}]}"#, r#"{"f":"a.PnG"}"#, r#"{"f":"png"}"#),
    (r#"{"f":[{"suffix":".é"}]}"#, r#"{"f":"a.é"}"#, r#"{"f":"a.e"}"#),
    // Equals, whatever the case.
    (r#"{"d":[{"equals-ignore-case":"alice"}]}"#, r#"{"d":"ALICE"}"#, r#"{"d":"alic"}"#),
    (r#"{"d":[{"equals-ignore-case":"ÉTÉ"}]}"#, r#"{"d":"été"}"#, r#"{"d":"ete"}"#),
    (r#"{"d":[{"equals-ignore-case":"1"}]}"#, r#"{"d":"1"}"#, r#"{"d":1}"#),
    // Anything but.
    (r#"{"s":[{"anything-but":"x"}]}"#, r#"{"s":"y"}"#, r#"{"s":"x"}"#),
    (r#"{"s":[{"anything-but":"x"}]}"#, r#"{"s":null}"#, r"{}"),
    (r#"{"s":[{"anything-but":"x"}]}"#, r#"{"s":true}"#, r#"{"s":[]}"#),
    (r#"{"s":[{"anything-but":["x","y"]}]}"#, r#"{"s":"z"}"#, r#"{"s":"y"}"#),
    (r#"{"n":[{"anything-but":5}]}"#, r#"{"n":"5"}"#, r#"{"n":5.0}"#),
    (r#"{"n":[{"anything-but":[1,2]}]}"#, r#"{"n":3}"#, r#"{"n":2}"#),
    (r#"{"s":[{"anything-but":{"prefix":"ini"}}]}"#, r#"{"s":"Ini"}"#, r#"{"s":"init"}"#),
    (r#"{"s":[{"anything-but":{"prefix":["a","b"]}}]}"#, r#"{"s":"c"}"#, r#"{"s":"bc"}"#),
    (r#"{"s":[{"anything-but":{"prefix":"a"}}]}"#, r#"{"s":7}"#, r#"{"s":"a7"}"#),
    (r#"{"s":[{"anything-but":{"suffix":".txt"}}]}"#, r#"{"s":"a.rtf"}"#, r#"{"s":"a.txt"}"#),
    (r#"{"s":[{"anything-but":{"suffix":[".a",".b"]}}]}"#, r#"{"s":"x.c"}"#, r#"{"s":"x.b"}"#),
    (
        r#"{"s":[{"anything-but":{"equals-ignore-case":"Init"}}]}"#,
        r#"{"s":"ini"}"#,
        r#"{"s":"INIT"}"#,
    ),
    (
        r#"{"s":[{"anything-but":{"equals-ignore-case":["a","B"]}}]}"#,
        r#"{"s":"c"}"#,
        r#"{"s":"b"}"#,
    ),
    (r#"{"s":[{"anything-but":{"wildcard":"*/lib/*"}}]}"#, r#"{"s":"/lib"}"#, r#"{"s":"a/lib/b"}"#),
    (r#"{"s":[{"anything-but":{"wildcard":["a*","*z"]}}]}"#, r#"{"s":"bzb"}"#, r#"{"s":"bz"}"#),
    // Numbers.
    (r#"{"n":[{"numeric":["=",3.018e2]}]}"#, r#"{"n":301.8}"#, r#"{"n":301.81}"#),
    (r#"{"n":[{"numeric":["<",10]}]}"#, r#"{"n":9.999}"#, r#"{"n":10}"#),
    (r#"{"n":[{"numeric":["<=",10]}]}"#, r#"{"n":10.0}"#, r#"{"n":10.001}"#),
    (r#"{"n":[{"numeric":[">",0]}]}"#, r#"{"n":0.001}"#, r#"{"n":0}"#),
    (r#"{"n":[{"numeric":[">=",-1.5]}]}"#, r#"{"n":-1.5}"#, r#"{"n":-1.6}"#),
    (r#"{"n":[{"numeric":[">",0,"<=",5]}]}"#, r#"{"n":5}"#, r#"{"n":0}"#),
    (r#"{"n":[{"numeric":[">=",0,"<",5]}]}"#, r#"{"n":0}"#, r#"{"n":5}"#),
    (r#"{"n":[{"numeric":[">",0]}]}"#, r#"{"n":1}"#, r#"{"n":true}"#),
    (r#"{"n":[{"numeric":["=",5]},"x"]}"#, r#"{"n":"x"}"#, r#"{"n":"5"}"#),
    // Whether there is one.
    (r#"{"a":[{"exists":true}]}"#, r#"{"a":null}"#, r#"{"b":1}"#),
    (r#"{"a":[{"exists":true}]}"#, r#"{"a":""}"#, r#"{"a":{}}"#),
    (r#"{"a":[{"exists":true}]}"#, r#"{"a":["x"]}"#, r#"{"a":{"b":1}}"#),
    (r#"{"a":[{"exists":false}]}"#, r#"{"b":1}"#, r#"{"a":false}"#),
    (r#"{"a":{"b":[{"exists":false}]}}"#, r#"{"a":{"c":1}}"#, r#"{"a":{"b":0}}"#),
    (r#"{"a":{"b":[{"exists":false}]}}"#, r"{}", r#"{"a":{"b":null}}"#),
    (r#"{"a":["x",{"exists":false}]}"#, r"{}", r#"{"a":"y"}"#),
    // Wildcards.
    (r#"{"p":[{"wildcard":"dir/*.png"}]}"#, r#"{"p":"dir/.png"}"#, r#"{"p":"dir/png"}"#),
    (r#"{"p":[{"wildcard":"*"}]}"#, r#"{"p":""}"#, r#"{"p":1}"#),
    (r#"{"p":[{"wildcard":"a*b*c"}]}"#, r#"{"p":"abbc"}"#, r#"{"p":"acb"}"#),
    (r#"{"p":[{"wildcard":"a*ab"}]}"#, r#"{"p":"aab"}"#, r#"{"p":"ab"}"#),
    (r#"{"p":[{"wildcard":"a\\*b"}]}"#, r#"{"p":"a*b"}"#, r#"{"p":"axb"}"#),
    (r#"{"p":[{"wildcard":"a\\\\*"}]}"#, r#"{"p":"a\\b"}"#, r#"{"p":"ab"}"#),
    (r#"{"p":[{"wildcard":"a.c*"}]}"#, r#"{"p":"a.cd"}"#, r#"{"p":"abcd"}"#),
    // Networks.
    (r#"{"i":[{"cidr":"10.0.0.0/24"}]}"#, r#"{"i":"10.0.0.99"}"#, r#"{"i":"10.0.1.1"}"#),
    (r#"{"i":[{"cidr":"192.168.1.1/32"}]}"#, r#"{"i":"192.168.1.1"}"#, r#"{"i":"192.168.1.2"}"#),
    (r#"{"i":[{"cidr":"0.0.0.0/0"}]}"#, r#"{"i":"255.255.255.255"}"#, r#"{"i":"no address"}"#),
    (
        r#"{"i":[{"cidr":"2001:db8::/32"}]}"#,
        r#"{"i":"2001:db8:ffff::1"}"#,
        r#"{"i":"2001:db9::1"}"#,
    ),
    // One of several.
    (r#"{"$or":[{"a":[1]},{"b":[2]}]}"#, r#"{"b":2}"#, r#"{"a":2,"b":1}"#),
    (r#"{"c":[3],"$or":[{"a":[1]},{"b":[2]}]}"#, r#"{"c":3,"a":1}"#, r#"{"a":1,"b":2}"#),
    (r#"{"d":{"$or":[{"a":[1]},{"b":{"x":[2]}}]}}"#, r#"{"d":{"b":{"x":2}}}"#, r#"{"d":{"x":2}}"#),
    (
        r#"{"$or":[{"a":[1]},{"$or":[{"b":[2]},{"c":[{"exists":false}]}]}]}"#,
        r#"{"a":2}"#,
        r#"{"b":1,"c":1}"#,
    ),
    (
        r#"{"$or":[{"d":{"n":[{"numeric":[">",5]}]}},{"d":{"i":[{"cidr":"10.0.0.0/8"}]}}]}"#,
        r#"{"d":{"n":1,"i":"10.9.9.9"}}"#,
        r#"{"d":{"n":1,"i":"11.0.0.1"}}"#,
    ),
];

/// H6: what EventBridge would want is wanted, and nothing else.
#[test]
fn every_case_of_the_table() {
    let read = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    for (pattern, wanted, refused) in CASES {
        let parsed = Pattern::parse(&read(pattern)).unwrap();
        assert!(parsed.matches(&read(wanted)), "{pattern} wants {wanted}");
        assert!(!parsed.matches(&read(refused)), "{pattern} does not want {refused}");
    }
    assert!(CASES.len() >= 60, "{} cases", CASES.len());
}
