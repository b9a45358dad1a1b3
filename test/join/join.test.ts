import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect as connectTls, createServer } from "node:tls";
import { readAgentConfig } from "@davit/agents/config.ts";
import { joinHost } from "@davit/agents/join/join-host.ts";
import type { Admission } from "@davit/coordinator/desk.ts";
import type { Invitation } from "@davit/coordinator/join/invitations.ts";
import { openCertificate } from "@davit/coordinator/join/open-certificate.ts";
import { type JoinDoorOptions, openJoinDoor } from "@davit/coordinator/join/open-door.ts";
import { decodeJoinString, encodeJoinString, HostName, OperationError } from "@davit/protocol";
import { silent } from "../broker/kinds.ts";
import { acceptsConnection } from "../lab/network/port.ts";
import { pollUntil } from "../lab/process/poll.ts";

const attic = HostName.parse("attic");
const cellar = HostName.parse("cellar");
const fifteenMinutesMs = 15 * 60_000;

test("a host joins with the string and has all that its agent needs", async (t) => {
	const { door, admissions, home, folder } = await openScene(t);
	const { string } = await door.invite(attic);
	const joined = await joinHost({ string, home }, t.signal);
	assert.equal(joined.host, attic);
	const config = readAgentConfig(joined.configFile);
	assert.equal(config.site, "home");
	assert.deepEqual(config.broker, { url: "mqtt://10.0.0.1:1883", username: "attic", password: "secret" });
	for (const file of [joined.configFile, join(home, "agent", "key.pem"), join(folder, "join.pem")]) {
		assert.equal((await stat(file)).mode & 0o777, 0o600, file);
	}
	const pem = await readFile(join(home, "agent", "key.pem"), "utf8");
	const publicKey = createPublicKey(pem).export({ format: "der", type: "spki" }).toString("base64");
	assert.deepEqual(admissions, [{ host: attic, publicKey }]);
});

test("a string is good once", async (t) => {
	const { door, admissions, home, otherHome } = await openScene(t);
	const { string } = await door.invite(attic);
	// Keeps the door open.
	await door.invite(cellar);
	await joinHost({ string, home }, t.signal);
	await assert.rejects(joinHost({ string, home: otherHome }, t.signal), { code: "token-invalid" });
	assert.equal(admissions.length, 1);
	await assert.rejects(stat(join(otherHome, "config", "agent.json")), { code: "ENOENT" });
});

test("a string is good for fifteen minutes", async (t) => {
	const { door, admissions, home, clock } = await openScene(t);
	const { string, expiresMs } = await door.invite(attic);
	assert.equal(expiresMs, clock.nowMs + fifteenMinutesMs);
	clock.nowMs += fifteenMinutesMs;
	await assert.rejects(joinHost({ string, home }, t.signal), { code: "token-invalid" });
	assert.deepEqual(admissions, []);
	assert.equal(door.isOpen, false);
});

test("a string for one host lets in no other", async (t) => {
	const { door, admissions, home } = await openScene(t);
	const { string } = await door.invite(attic);
	const forged = encodeJoinString({ ...decodeJoinString(string), host: cellar });
	await assert.rejects(joinHost({ string: forged, home }, t.signal), { code: "token-invalid" });
	assert.deepEqual(admissions, []);
});

test("a string with another secret is refused, and after five of them nobody from there is heard for a minute", async (t) => {
	const { door, home, clock } = await openScene(t);
	const { string } = await door.invite(attic);
	const wrong = encodeJoinString({ ...decodeJoinString(string), token: "A".repeat(43) });
	for (let mistake = 0; mistake < 5; mistake++) {
		await assert.rejects(joinHost({ string: wrong, home }, t.signal), { code: "token-invalid" });
	}
	await assert.rejects(joinHost({ string, home }, t.signal), { code: "coordinator-unreachable" });
	clock.nowMs += 60_000;
	await joinHost({ string, home }, t.signal);
});

test("the door is open only while an invitation is", async (t) => {
	const { door, home } = await openScene(t);
	assert.equal(door.isOpen, false);
	const { string } = await door.invite(attic);
	const { port } = decodeJoinString(string);
	assert.equal(await acceptsConnection("127.0.0.1", port), true);
	await joinHost({ string, home }, t.signal);
	assert.equal(door.isOpen, false);
	await pollUntil(async () => !(await acceptsConnection("127.0.0.1", port)), {
		what: "the port to be closed",
		timeoutMs: 5_000,
		signal: t.signal,
	});
	await assert.rejects(joinHost({ string, home }, t.signal), { code: "coordinator-unreachable" });
});

test("another server with another certificate is told nothing", async (t) => {
	const { door, home } = await openScene(t);
	const { string } = await door.invite(attic);
	const folder = await openFolder(t);
	const { certificate, key } = await openCertificate(folder, Date.now());
	let applicationBytes = 0;
	let handshakeBytes = 0;
	const closed = Promise.withResolvers<void>();
	const thief = createServer({ cert: certificate, key }, (socket) => {
		socket.on("data", (chunk) => {
			applicationBytes += chunk.length;
		});
		socket.on("error", () => socket.destroy());
	});
	thief.on("connection", (socket) => {
		socket.on("close", () => {
			handshakeBytes = socket.bytesRead;
			closed.resolve();
		});
	});
	await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve));
	t.after(() => thief.close());
	const address = thief.address();
	assert.ok(typeof address === "object" && address !== null);
	const diverted = encodeJoinString({ ...decodeJoinString(string), port: address.port });
	await assert.rejects(joinHost({ string: diverted, home }, t.signal), { code: "fingerprint-mismatch" });
	await closed.promise;
	assert.ok(handshakeBytes > 0);
	assert.equal(applicationBytes, 0);
	await joinHost({ string, home }, t.signal);
});

test("why a host is not admitted is said to who joins, and the string is used up", async (t) => {
	const refusal = new OperationError("host-name-taken", "attic already answers", { hint: "stop it" });
	const { door, home } = await openScene(t, {
		admit: () => Promise.reject(refusal),
	});
	const { string } = await door.invite(attic);
	await door.invite(cellar);
	await assert.rejects(joinHost({ string, home }, t.signal), {
		code: "host-name-taken",
		message: "attic already answers",
		hint: "stop it",
	});
	await assert.rejects(joinHost({ string, home }, t.signal), { code: "token-invalid" });
});

test("the certificate stays the same, so that several strings are good at once", async (t) => {
	const { door, home, otherHome, folder } = await openScene(t);
	const one = await door.invite(attic);
	const two = await door.invite(cellar);
	assert.equal(decodeJoinString(one.string).fingerprint, decodeJoinString(two.string).fingerprint);
	await joinHost({ string: two.string, home: otherHome }, t.signal);
	await joinHost({ string: one.string, home }, t.signal);
	assert.deepEqual(await readdir(folder), ["join.pem"]);
});

test("a machine that has joined stays who it is, and keeps its settings and its key when it joins again", async (t) => {
	const { door, admissions, home } = await openScene(t);
	const first = await joinHost({ string: (await door.invite(attic)).string, home }, t.signal);
	const settings = JSON.parse(await readFile(first.configFile, "utf8"));
	await writeFile(first.configFile, JSON.stringify({ ...settings, folders: ["/srv/x"] }));
	const { string } = await door.invite(cellar);
	await assert.rejects(joinHost({ string, home }, t.signal), { code: "configuration-invalid" });
	await joinHost({ string: (await door.invite(attic)).string, home }, t.signal);
	assert.deepEqual(readAgentConfig(first.configFile).folders, ["/srv/x"]);
	assert.equal(admissions[0]?.publicKey, admissions[1]?.publicKey);
});

test("a setting that cannot be used is found before the string is used up", async (t) => {
	const { door, home, admissions } = await openScene(t);
	const { string } = await door.invite(attic);
	const config = join(home, "config", "agent.json");
	await mkdir(join(home, "config"));
	await writeFile(config, JSON.stringify({ undoSeconds: "long" }));
	await assert.rejects(joinHost({ string, home }, t.signal), /undoSeconds/);
	await rm(config);
	await joinHost({ string, home }, t.signal);
	assert.equal(admissions.length, 1);
});

test("a port that another program has is named", async (t) => {
	const thief = createServer();
	await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve));
	t.after(() => thief.close());
	const address = thief.address();
	assert.ok(typeof address === "object" && address !== null);
	const { door } = await openScene(t, { port: address.port });
	await assert.rejects(door.invite(attic), { code: "port-taken" });
	assert.equal(door.isOpen, false);
});

test("noise, an endless line and a caller who says nothing do not keep others out", async (t) => {
	const { door, home } = await openScene(t);
	const { string } = await door.invite(attic);
	const { port } = decodeJoinString(string);
	const plain = connectTcp(port, "127.0.0.1");
	plain.on("error", () => plain.destroy());
	plain.write("GET / HTTP/1.1\r\n\r\n");
	const mute = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
	mute.on("error", () => mute.destroy());
	const endless = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
	endless.on("error", () => endless.destroy());
	const answered = new Promise<string>((resolve) => endless.once("data", (chunk) => resolve(String(chunk))));
	endless.write("x".repeat(20_000));
	assert.match(await answered, /token-invalid/);
	await joinHost({ string, home }, t.signal);
	for (const socket of [plain, mute, endless]) socket.destroy();
});

async function openScene(t: TestContext, changes: Partial<JoinDoorOptions> = {}) {
	const folder = await openFolder(t);
	const clock = { nowMs: Date.parse("2026-11-22T00:00:00.000Z") };
	const admissions: Admission[] = [];
	const kept = new Map<string, Invitation>();
	const door = openJoinDoor({
		...{ folder, host: "127.0.0.1", port: 0, reachableAt: "127.0.0.1", log: silent },
		now: () => clock.nowMs,
		invitations: {
			save: (invitation) => kept.set(invitation.secretHash, invitation),
			redeem: (secretHash, nowMs) => {
				const invitation = kept.get(secretHash);
				if (invitation === undefined || invitation.expiresMs <= nowMs) return undefined;
				kept.delete(secretHash);
				return invitation.host;
			},
		},
		admit: async (admission) => {
			admissions.push(admission);
			return {
				site: "home",
				host: admission.host,
				coordinatorKey: Buffer.alloc(44).toString("base64"),
				broker: { url: "mqtt://10.0.0.1:1883", username: admission.host, password: "secret" },
			};
		},
		...changes,
	});
	t.after(() => door.close());
	return { door, admissions, clock, folder, home: await openFolder(t), otherHome: await openFolder(t) };
}

async function openFolder(t: TestContext): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), "davit-join-"));
	t.after(() => rm(folder, { recursive: true }));
	return folder;
}
