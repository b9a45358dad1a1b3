import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { browserOf } from "./ask.ts";
import { openMemoryDesk } from "./desk.ts";
import { makeLargeFleet } from "./fleet.ts";
import { openPage } from "./open-page.ts";

const sizeOf = (text: string) => gzipSync(text).byteLength;

test("the Overview of 300 resources on 5 hosts fits its budget of bytes and requests", async () => {
	await using page = await openPage({ desk: openMemoryDesk(makeLargeFleet(5, 60)) });
	const browser = await browserOf(page);
	const { text } = await browser.get("/");
	assert.match(text, /of 300 are safe/);
	const assets = [...text.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
	assert.equal(assets.length, 3);
	const sizes = new Map<string, number>();
	for (const path of assets) {
		const answer = await browser.get(`/${path}`);
		assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable");
		sizes.set(path.replace(/.*\//, ""), sizeOf(answer.text));
	}
	const scripts = (sizes.get("page.js") ?? 0) + (sizes.get("idiomorph.js") ?? 0);
	const styles = sizes.get("page.css") ?? 0;
	assert.ok(sizeOf(text) <= 15_000, `HTML ${sizeOf(text)}`);
	assert.ok(scripts > 1000 && scripts <= 15_000, `scripts ${scripts}`);
	assert.ok(styles > 1000 && styles <= 10_000, `styles ${styles}`);
	assert.ok(sizeOf(text) + scripts + styles <= 45_000);
});

test("a list sends at most 100 rows, however many there are", async () => {
	await using page = await openPage({ desk: openMemoryDesk(makeLargeFleet(5, 60)) });
	const browser = await browserOf(page);
	const { text } = await browser.get("/resources?page=2");
	assert.equal(text.match(/<tr><th scope="row">/g)?.length, 100);
	assert.match(text, /page 2 of 3/);
	assert.match(text, /href="\.\/resources\?page=3"/);
	assert.ok(sizeOf(text) <= 15_000, `HTML ${sizeOf(text)}`);
});

test("pages are sent compressed to who takes it", async () => {
	await using page = await openPage();
	const browser = await browserOf(page);
	const answer = await browser.get("/", { "accept-encoding": "gzip" });
	assert.equal(answer.headers["content-encoding"], "gzip");
	assert.ok(Number(answer.headers["content-length"]) < 6_000);
});

test("a page of 300 resources is made within 50 ms", async () => {
	await using page = await openPage({ desk: openMemoryDesk(makeLargeFleet(5, 60)) });
	const browser = await browserOf(page);
	const times: number[] = [];
	for (let count = 0; count < 20; count += 1) {
		const begin = performance.now();
		await browser.get("/");
		times.push(performance.now() - begin);
	}
	const median = times.sort((one, other) => one - other)[10] ?? Number.POSITIVE_INFINITY;
	assert.ok(median <= 50, `${median} ms`);
});
