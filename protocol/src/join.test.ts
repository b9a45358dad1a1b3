import assert from "node:assert/strict";
import test from "node:test";
import { decodeJoinString, encodeJoinString, JoinInvitation } from "./join.ts";

const invitation = JoinInvitation.parse({
	address: "192.168.1.5",
	port: 8788,
	fingerprint: "ab".repeat(32),
	token: "A".repeat(43),
	host: "attic",
});

test("a joining string carries its invitation through a terminal's copy and paste", () => {
	const text = encodeJoinString(invitation);
	assert.match(text, /^davit1\.[A-Za-z0-9_-]+$/);
	assert.deepEqual(decodeJoinString(text), invitation);
	assert.ok(text.length < 250, `${text.length}`);
});

test("a joining string that was cut short or altered is not read as another", () => {
	const text = encodeJoinString(invitation);
	for (const wrong of [
		"",
		"davit1.",
		text.slice(0, -4),
		text.slice(1),
		text.replace("davit1", "davit2"),
		`${text.slice(0, 20)}!`,
	]) {
		assert.throws(() => decodeJoinString(wrong), { code: "token-invalid" }, wrong);
	}
});
