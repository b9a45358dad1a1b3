import assert from "node:assert/strict";
import test from "node:test";
import { type Account, hashPassword, newPassword, PasswordCheck } from "./accounts.ts";

test("an account gets in with its password, and again from memory, until it has another", async () => {
	const accounts = new Map<string, Account>();
	const check = new PasswordCheck({ find: (username) => accounts.get(username) });
	const give = async (password: string) =>
		accounts.set("nas", {
			username: "nas",
			role: { kind: "observer" },
			passwordHash: await hashPassword(password),
		});
	const first = newPassword();
	await give(first);
	assert.equal((await check.account("nas", Buffer.from(first)))?.username, "nas");
	assert.equal((await check.account("nas", Buffer.from(first)))?.username, "nas");
	assert.equal(await check.account("nas", Buffer.from(`${first}x`)), undefined);
	assert.equal(await check.account("nas", Buffer.alloc(0)), undefined);
	assert.equal(await check.account("nobody", Buffer.from(first)), undefined);
	const second = newPassword();
	await give(second);
	assert.equal(await check.account("nas", Buffer.from(first)), undefined);
	assert.equal((await check.account("nas", Buffer.from(second)))?.username, "nas");
});

test("two hashes of one password differ, and neither holds it", async () => {
	const password = newPassword();
	const [one, two] = await Promise.all([hashPassword(password), hashPassword(password)]);
	assert.notEqual(one, two);
	assert.ok(!one.includes(password));
});

test("a hash of another making lets nobody in", async () => {
	for (const passwordHash of ["", "plain", "scrypt$$", "bcrypt$AA==$AA=="]) {
		const account: Account = { username: "nas", role: { kind: "observer" }, passwordHash };
		const check = new PasswordCheck({ find: () => account });
		assert.equal(await check.account("nas", Buffer.from(passwordHash)), undefined, passwordHash);
	}
});
