//! An attack: bytes that try to become something else than text, wherever they are shown.

/// All of them. None holds a line feed, which ends a line in logs and configurations alike.
pub(crate) const ATTACKS: [&[u8]; 33] = [
    // What a terminal acts on: escapes, their eight-bit form in UTF-8 and as a byte, a bell, backspaces, a return.
    b"\x1b]0;owned\x07\x1b[2J",
    "\u{9b}31mred".as_bytes(),
    b"raw\x9b31m\x90q",
    b"hidden\x08\x08\x08\x08\x08\x08shown",
    b"start\roverwritten",
    b"del\x7fnul\0end",
    // What turns the text around, hides in it, or ends a line of it.
    "a\u{202e}gro.elpmaxe@b\u{2066}".as_bytes(),
    "a\u{2028}b\u{2029}c\u{feff}d\u{85}e".as_bytes(),
    "tag\u{e0041}\u{200b}\u{200d}\u{ad}x".as_bytes(),
    // No UTF-8: a lone byte, one that is cut off, a surrogate, more than there is.
    b"caf\xe9",
    b"cut\xe2\x82",
    b"half\xed\xa0\x80\xf4\x90\x80\x80",
    // Formulas.
    b"=cmd|' /C calc'!A0",
    b"+1+cmd|x",
    b"-2+3",
    b"@SUM(1+1)*cmd",
    b"\t=1+1",
    b"\r=1+1",
    "\u{ff1d}1+1".as_bytes(),
    b"\",\"=1+1",
    // HTML and XML.
    b"</bdi></td></title></style><script>alert(1)</script>",
    b"\"><img src=x onerror=alert(1)>'\" onload='alert(1)",
    b"<!-- x --!> --> <![CDATA[ ]]> ]]>",
    b"&lt;b&gt; &#0; &bogus;",
    // Markdown.
    b"`code` ``` ~~~ | [link](javascript:alert(1)) ![i](http://192.0.2.1/x) **b**",
    b"<https://192.0.2.1> https://192.0.2.1/x www.example.org \\| \\` a|b",
    b"# head [x]: http://192.0.2.1 - [ ] <details>",
    // Commands in the log of a workflow.
    b"::error file=x::owned",
    b"%0a::warning::x%0D%0A::add-mask::a",
    b"  ::stop-commands::x",
    b"##[error]owned ##[add-mask]a",
    b",line=1,title=x::y",
    // Patterns and variables of the programs themselves.
    b"$myhostname %{env:HOME} %u {{ x }}",
];

/// As text, for what takes nothing else.
pub(crate) fn lossy(attack: &[u8]) -> String {
    String::from_utf8_lossy(attack).into_owned()
}
