import assert from "node:assert/strict";
import { test } from "node:test";
import { cookieHeader, openDoors } from "./doors.ts";

const minute = 60_000;

test("a one-time link lets one browser in, once", async () => {
	const doors = await openDoors({ now: () => 0 });
	const key = doors.makeKey();
	const session = doors.enterByKey(key);
	assert.deepEqual(doors.find(`other=1; davit=${session.cookie}`), session);
	assert.throws(() => doors.enterByKey(key), { code: "not-allowed", status: 403 });
});

test("a one-time link ends after 10 minutes", async () => {
	let now = 0;
	const doors = await openDoors({ now: () => now });
	const [early, late] = [doors.makeKey(), doors.makeKey()];
	now = 10 * minute;
	doors.enterByKey(early);
	now += 1;
	assert.throws(() => doors.enterByKey(late), /older than 10 minutes/);
});

test("a cookie that was altered, forged or has run out opens nothing", async () => {
	let now = 0;
	const doors = await openDoors({ now: () => now });
	const { cookie } = doors.enterByKey(doors.makeKey());
	const [until = "", nonce = "", signature = ""] = cookie.split(".");
	assert.equal(doors.find(`davit=${Number(until) + 1}.${nonce}.${signature}`), undefined);
	assert.equal(doors.find(`davit=${until}.${nonce}.`), undefined);
	assert.equal(doors.find(`davit=${until}.${nonce}`), undefined);
	assert.equal(doors.find(undefined), undefined);
	const others = await openDoors({ now: () => now });
	assert.equal(others.find(`davit=${cookie}`), undefined);
	now = Number(until) + 1;
	assert.equal(doors.find(`davit=${cookie}`), undefined);
});

test("who keeps the key keeps its people logged in over a restart", async () => {
	const options = { sessionKey: Buffer.alloc(32, 7), now: () => 0 };
	const before = await openDoors(options);
	const session = before.enterByKey(before.makeKey());
	const after = await openDoors(options);
	assert.deepEqual(after.find(`davit=${session.cookie}`), session);
});

test("each session has a form token of its own", async () => {
	const doors = await openDoors({ now: () => 0 });
	const sessions = [doors.enterByKey(doors.makeKey()), doors.enterByKey(doors.makeKey())];
	assert.notEqual(sessions[0]?.formToken, sessions[1]?.formToken);
});

test("the password lets in, another does not, and the eleventh attempt in a minute is refused unread", async () => {
	let now = 0;
	const doors = await openDoors({ password: "correct horse", now: () => now });
	assert.ok((await doors.enterByPassword("correct horse")).cookie);
	for (let attempt = 0; attempt < 9; attempt += 1) {
		await assert.rejects(doors.enterByPassword("wrong"), { status: 403 });
	}
	await assert.rejects(doors.enterByPassword("correct horse"), { status: 429 });
	now = minute + 1;
	assert.ok((await doors.enterByPassword("correct horse")).cookie);
});

test("without a password none is right, not even an empty one", async () => {
	const doors = await openDoors({ now: () => 0 });
	assert.equal(doors.hasPassword, false);
	await assert.rejects(doors.enterByPassword(""), { status: 403 });
});

test("the cookie is strict and unreadable for scripts", async () => {
	const doors = await openDoors({ now: () => 0 });
	const header = cookieHeader(doors.enterByKey(doors.makeKey()));
	assert.match(header, /^davit=.+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=2592000$/);
});
