import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { OperationError } from "@davit/protocol";
import { ask, browserOf } from "./ask.ts";
import { openPage } from "./open-page.ts";

const press = { host: "nas", resource: "volume:grafana-data", verb: "backup" };
const html = { accept: "text/html" };

test("nobody looks or presses over the network without having come in", async () => {
	await using page = await openPage();
	const door = await ask(page, "/", { on: "tcp", headers: html });
	assert.equal(door.status, 401);
	assert.match(door.text, /davit page/);
	assert.doesNotMatch(door.text, /grafana-data|password/);
	for (const path of ["/", "/runs", "/live?view=%2F", "/resolve?address=nas"]) {
		assert.equal((await ask(page, path, { on: "tcp" })).status, 401, path);
	}
	assert.equal((await ask(page, "/requests", { on: "tcp", body: press })).status, 401);
	assert.deepEqual(page.desk.asked, []);
});

test("a one-time link lets in once, and a used or old one says so", async () => {
	await using page = await openPage();
	const link = new URL(page.server.makePageLink());
	const path = `${link.pathname}${link.search}`;
	assert.equal((await ask(page, path, { on: "tcp", method: "HEAD", headers: html })).status, 405);
	const first = await ask(page, path, { on: "tcp", headers: html });
	assert.equal(first.status, 200);
	assert.match(first.text, /http-equiv="refresh" content="0; url=\.\/"/);
	assert.match(String(first.headers["set-cookie"]), /HttpOnly; SameSite=Strict/);
	const again = await ask(page, path, { on: "tcp", headers: html });
	assert.deepEqual([again.status, again.headers["set-cookie"]], [403, undefined]);
	assert.match(again.text, /used before, or is older than 10 minutes/);
	const old = new URL(page.server.makePageLink());
	page.pass(10 * 60_000 + 1);
	assert.equal((await ask(page, `/door${old.search}`, { on: "tcp", headers: html })).status, 403);
});

test("a form without the token of its session does nothing", async () => {
	await using page = await openPage();
	const browser = await browserOf(page);
	const other = await browserOf(page);
	assert.equal((await browser.post("/requests", { ...press, token: "" })).status, 403);
	assert.equal((await browser.post("/requests", { ...press, token: other.token })).status, 403);
	assert.deepEqual(page.desk.asked, []);
	const done = await browser.post("/requests", press);
	assert.deepEqual([done.status, page.desk.asked.length], [303, 1]);
	assert.match(String(done.headers.location), /^\.\/runs\/r[a-z2-7]{8}$/);
});

test("what another site makes a browser send does nothing, whatever token it has", async () => {
	await using page = await openPage();
	const browser = await browserOf(page);
	const foreign = [
		{ "sec-fetch-site": "cross-site" },
		{ "sec-fetch-site": "same-site" },
		{ "sec-fetch-site": "none" },
		{ origin: "https://evil.example" },
		{ origin: "null" },
		{ origin: `http://127.0.0.1:${page.server.port + 1}` },
	];
	for (const headers of foreign) {
		const { status } = await browser.post("/requests", press, headers);
		assert.equal(status, 403, JSON.stringify(headers));
	}
	assert.deepEqual(page.desk.asked, []);
	const own = { origin: `http://127.0.0.1:${page.server.port}` };
	assert.equal((await browser.post("/requests", press, own)).status, 303);
});

test("a foreign name that points here gets nothing, not even health", async () => {
	await using page = await openPage();
	const browser = await browserOf(page);
	for (const host of ["evil.example", `evil.example:${page.server.port}`, "127.0.0.1.evil.example"]) {
		assert.equal((await browser.get("/", { host })).status, 421, host);
		assert.equal((await ask(page, "/healthz", { on: "tcp", headers: { host } })).status, 421, host);
	}
	for (const host of ["localhost:8787", "127.0.0.1", "[::1]:8787", "192.168.1.20:8787"]) {
		assert.equal((await browser.get("/", { host })).status, 200, host);
	}
	await using named = await openPage({ http: { host: "127.0.0.1", port: 0, names: ["davit.example"] } });
	const there = await browserOf(named);
	assert.equal((await there.get("/", { host: "davit.example" })).status, 200);
});

test("what only the machine's operator may ask is refused to a browser", async () => {
	await using page = await openPage();
	const browser = await browserOf(page);
	for (const path of ["/hosts", "/accounts/ha"]) {
		const refused = await browser.post(path, { host: "attic", publicKey: "key" });
		assert.equal(refused.status, 403, path);
	}
	assert.equal((await browser.post("/page-link", {})).status, 404);
});

test("an address that others reach is not opened without a password", async () => {
	await assert.rejects(openPage({ http: { host: "0.0.0.0", port: 0 } }), (error) => {
		assert.ok(error instanceof OperationError);
		assert.equal(error.code, "configuration-invalid");
		assert.match(error.message, /0\.0\.0\.0.*http\.password/);
		return true;
	});
});

test("a taken port is said with its address", async () => {
	await using page = await openPage();
	const again = openPage({ http: { host: "127.0.0.1", port: page.server.port } });
	await assert.rejects(again, {
		code: "port-taken",
		message: new RegExp(`127\\.0\\.0\\.1:${page.server.port}`),
	});
});

test("with a password the page asks for it, and numbers need it too where others reach them", async () => {
	await using page = await openPage({ http: { host: "0.0.0.0", port: 0, password: "correct horse" } });
	const door = await ask(page, "/", { on: "tcp", headers: html });
	assert.match(door.text, /<input type="password"/);
	assert.equal((await ask(page, "/metrics", { on: "tcp" })).status, 401);
	const form = {
		...html,
		"content-type": "application/x-www-form-urlencoded",
		"sec-fetch-site": "same-origin",
	};
	const wrong = await ask(page, "/door", { on: "tcp", headers: form, body: "password=wrong" });
	assert.deepEqual([wrong.status, wrong.headers["set-cookie"]], [403, undefined]);
	const right = await ask(page, "/door", { on: "tcp", headers: form, body: "password=correct+horse" });
	assert.equal(right.status, 200);
	const cookie = String(right.headers["set-cookie"]).split(";")[0] ?? "";
	assert.equal((await ask(page, "/metrics", { on: "tcp", headers: { cookie } })).status, 200);
	const cross = { ...form, "sec-fetch-site": "cross-site" };
	assert.equal(
		(await ask(page, "/door", { on: "tcp", headers: cross, body: "password=correct+horse" })).status,
		403,
	);
});

test("every answer forbids scripts, frames and sources of other sites", async () => {
	await using page = await openPage();
	const browser = await browserOf(page);
	for (const path of ["/", "/nothing", "/live?view=%2Fnothing", "/resolve?address=nas"]) {
		const { headers } = await browser.get(path);
		assert.match(
			String(headers["content-security-policy"]),
			/^default-src 'none'; script-src 'self'; style-src 'self';/,
		);
		assert.equal(headers["x-content-type-options"], "nosniff", path);
		assert.equal(headers["cache-control"], "no-store", path);
	}
	const { text: overview } = await browser.get("/");
	assert.doesNotMatch(overview, /(?:src|href|action)="(?:https?:)?\/\//);
	assert.doesNotMatch(overview, / style="| on[a-z]+="|<style|<script>/);
});

test("what is no HTTP, or has headers beyond reason, is answered with a sentence", async () => {
	await using page = await openPage();
	const speak = async (words: string) => {
		const socket = connect(page.server.port, "127.0.0.1");
		await once(socket, "connect");
		socket.write(words);
		return text(socket);
	};
	assert.match(
		await speak("\x16\x03\x01\x02\x00\x01\x00"),
		/^HTTP\/1\.1 400 Bad Request[\s\S]*this is not HTTP\n$/,
	);
	assert.match(await speak(`GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
	assert.equal((await ask(page, "/healthz", { on: "tcp" })).status, 200);
});

test("a server that closes leaves neither its port nor its socket behind", async () => {
	const page = await openPage();
	await page[Symbol.asyncDispose]();
	await assert.rejects(ask(page, "/healthz"), { code: "ENOENT" });
	await assert.rejects(ask(page, "/healthz", { on: "tcp" }), { code: "ECONNREFUSED" });
});
