import assert from "node:assert/strict";
import { test } from "node:test";
import { readForm, readTarget } from "./exchange.ts";
import { readFilter } from "./read-filter.ts";

test("an address is taken apart before it is decoded, so a name may hold a slash or two dots", () => {
	assert.deepEqual(readTarget("/resources/nas/path%3A%2Fsrv%2Fx").path, ["resources", "nas", "path:/srv/x"]);
	assert.deepEqual(readTarget("/hosts/%2e%2e").path, ["hosts", ".."]);
	assert.deepEqual(readTarget("/").path, []);
});

test("every address knows its way back to the served root", () => {
	const roots = ["/", "/runs", "/runs?page=2", "/runs/r1", "/resources/nas/volume%3Ax"].map(
		(target) => readTarget(target).root,
	);
	assert.deepEqual(roots, ["./", "./", "./", "../", "../../"]);
});

test("an address that is not percent-encoded UTF-8, or no path, is refused", () => {
	for (const target of ["/hosts/%ff", "/hosts/%", "http://example.org/", "*", ""]) {
		assert.throws(() => readTarget(target), { status: 400 }, target);
	}
});

test("a browser gets a page, everything else the document, and the live form is asked for by name", () => {
	assert.equal(readForm("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"), "page");
	assert.equal(readForm("application/json"), "document");
	assert.equal(readForm("*/*"), "document");
	assert.equal(readForm(undefined), "document");
	assert.equal(readForm("text/event-stream"), "events");
});

test("a list's page is a number from 1 on", () => {
	assert.deepEqual(readFilter(new URLSearchParams("page=3&host=nas&state=&resource= volume:x ")), {
		page: 3,
		host: "nas",
		resource: "volume:x",
	});
	for (const page of ["0", "-1", "1.5", "one", "99999999", ""]) {
		assert.throws(() => readFilter(new URLSearchParams({ page })), { status: 400 }, page);
	}
});
