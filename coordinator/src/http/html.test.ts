import assert from "node:assert/strict";
import { test } from "node:test";
import { foreign, html, htmlText } from "./html.ts";

test("what is inserted into a page cannot become markup", () => {
	const hostile = `<script>alert("1")</script>&'`;
	const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;";
	assert.equal(htmlText(html`<p title="${hostile}">${hostile}</p>`), `<p title="${escaped}">${escaped}</p>`);
});

test("pieces of HTML are inserted as they are, lists are joined, nothing leaves nothing", () => {
	const items = ["a", "<b>"].map((name) => html`<li>${name}</li>`);
	const text = htmlText(html`<ul>${items}${undefined}${null}${false}${0}</ul>`);
	assert.equal(text, "<ul><li>a</li><li>&lt;b&gt;</li>0</ul>");
});

test("an object that only looks like HTML is not taken for it", () => {
	const forged = JSON.parse('{"text":"<script>","Symbol(markup)":"<script>"}');
	assert.throws(() => html`<p>${forged}</p>`, TypeError);
});

test("a name cannot turn the direction of its line, hide characters or break it", () => {
	const text = htmlText(html`${foreign("a\u202Egpj.\u200B\nb\u0007\u{E0041}")}`);
	assert.equal(text, "<bdi>a⟨U+202E⟩gpj.⟨U+200B⟩⏎b⟨U+0007⟩⟨U+E0041⟩</bdi>");
});

test("names in any script stay as they are", () => {
	for (const name of ["данные", "נתונים", "写真", "größe", "📦 boxes"]) {
		assert.equal(htmlText(foreign(name)), `<bdi>${name}</bdi>`);
	}
});

test("the indentation of a template is not sent, line ends inside a value are", () => {
	const text = htmlText(html`<pre>
		${"one\n\ttwo"}
	</pre>`);
	assert.equal(text, "<pre>\none\n\ttwo\n</pre>");
});
