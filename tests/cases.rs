//! The stories in `testdata/` and the README show commands with their exact output; this runs them.

#[test]
fn every_story_is_true() {
    trycmd::TestCases::new()
        .case("testdata/*/case.md")
        .case("testdata/rules/*/*.md")
        .case("docs/*.md")
        .case("README.md");
}
