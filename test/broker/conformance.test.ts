import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostName, topicsOf } from "@davit/protocol";
import { pollUntil } from "../lab/process/poll.ts";
import { openClient, text } from "./client.ts";
import { brokerKinds, site } from "./kinds.ts";

const nas = HostName.parse("nas");
const pi = HostName.parse("pi");
const topics = topicsOf(site);
const versions = [4, 5] as const;
const coordinator = "coordinator";

for (const kind of brokerKinds) {
	describe(`${kind.name} as Davit's broker`, { skip: kind.unavailable ?? false }, () => {
		it("delivers the properties of MQTT 5", async (t) => {
			await using broker = await kind.open([nas], t.signal);
			await using listener = await openClient(broker, { username: coordinator, protocolVersion: 5 });
			await using speaker = await openClient(broker, { username: nas, protocolVersion: 5 });
			await listener.mqtt.subscribeAsync(topics.report(nas), { qos: 1 });
			const properties = {
				contentType: "application/json",
				responseTopic: topics.command(nas),
				correlationData: Buffer.from("7"),
				messageExpiryInterval: 60,
				userProperties: { trace: "abc" },
			};
			await speaker.mqtt.publishAsync(topics.report(nas), "{}", { qos: 1, properties });
			const got = (await listener.next(() => true)).properties;
			assert.equal(got?.contentType, "application/json");
			assert.equal(got?.responseTopic, topics.command(nas));
			assert.equal(got?.correlationData?.toString(), "7");
			assert.deepEqual({ ...got?.userProperties }, { trace: "abc" });
			assert.ok((got?.messageExpiryInterval ?? 0) > 50);
		});

		it("forgets a retained message when it expires", async (t) => {
			await using broker = await kind.open([nas], t.signal);
			await using speaker = await openClient(broker, { username: nas, protocolVersion: 5 });
			const publish = (topic: string, messageExpiryInterval: number) =>
				speaker.mqtt.publishAsync(topic, "x", {
					qos: 1,
					retain: true,
					properties: { messageExpiryInterval },
				});
			await publish(topics.presence(nas), 1);
			await publish(topics.inventory(nas), 100);
			const look = async () => {
				await using reader = await openClient(broker, { username: coordinator, protocolVersion: 5 });
				await reader.mqtt.subscribeAsync([topics.presence(nas), topics.inventory(nas)], { qos: 1 });
				const kept = await reader.next(({ topic }) => topic === topics.inventory(nas));
				assert.ok((kept.properties?.messageExpiryInterval ?? 0) > 50);
				// A message that is published later comes after everything that was retained.
				await reader.mqtt.subscribeAsync(topics.report(nas), { qos: 1 });
				await speaker.publish(topics.report(nas), "end");
				await reader.next(({ topic }) => topic === topics.report(nas));
				return reader.received.some(({ topic }) => topic === topics.presence(nas));
			};
			assert.equal(await look(), true);
			await pollUntil(async () => !(await look()), {
				what: "the expired message to be gone",
				timeoutMs: 8_000,
				intervalMs: 200,
				signal: t.signal,
			});
		});

		for (const protocolVersion of versions) {
			it(`publishes the will when a connection breaks, and not after a goodbye (MQTT ${protocolVersion})`, async (t) => {
				await using broker = await kind.open([nas, pi], t.signal);
				await using listener = await openClient(broker, { username: coordinator, protocolVersion });
				await listener.mqtt.subscribeAsync(topics.all.presences, { qos: 1 });
				const born = (username: HostName) =>
					openClient(broker, {
						...{ username, protocolVersion },
						will: {
							topic: topics.presence(username),
							payload: Buffer.from("gone"),
							qos: 1,
							retain: true,
						},
					});
				const polite = await born(pi);
				await polite.mqtt.endAsync();
				const broken = await born(nas);
				await broken.drop();
				const will = await listener.next(({ topic }) => topic === topics.presence(nas));
				assert.equal(text(will), "gone");
				assert.deepEqual(
					listener.received.filter(({ topic }) => topic === topics.presence(pi)),
					[],
				);
				await using late = await openClient(broker, { username: "integration", protocolVersion });
				await late.mqtt.subscribeAsync(topics.all.presences, { qos: 1 });
				assert.equal((await late.next(({ topic }) => topic === topics.presence(nas))).retain, true);
			});

			it(`keeps, replaces and clears retained messages (MQTT ${protocolVersion})`, async (t) => {
				await using broker = await kind.open([nas, pi], t.signal);
				await using first = await openClient(broker, { username: nas, protocolVersion });
				await using second = await openClient(broker, { username: pi, protocolVersion });
				for (const payload of ["one", "two"]) {
					await first.publish(topics.presence(nas), payload, { retain: true });
				}
				await second.publish(topics.presence(pi), "here", { retain: true });
				const read = async (filter: string) => {
					await using reader = await openClient(broker, { username: coordinator, protocolVersion });
					await reader.mqtt.subscribeAsync(filter, { qos: 1 });
					await reader.mqtt.subscribeAsync(topics.report(nas), { qos: 1 });
					await first.publish(topics.report(nas), "end");
					await reader.next(({ topic }) => topic === topics.report(nas));
					const kept = reader.received.filter(({ topic }) => topic !== topics.report(nas));
					for (const packet of kept) assert.equal(packet.retain, true);
					return kept.map((packet) => `${packet.topic.split("/")[4]} ${text(packet)}`).sort();
				};
				assert.deepEqual(await read(topics.presence(nas)), ["nas two"]);
				assert.deepEqual(await read(topics.all.presences), ["nas two", "pi here"]);
				assert.deepEqual(await read(topics.all.ofAgents), ["nas two", "pi here"]);
				await first.publish(topics.presence(nas), "", { retain: true });
				assert.deepEqual(await read(topics.presence(nas)), []);
				assert.deepEqual(await read(topics.all.presences), ["pi here"]);
			});

			it(`keeps what came for a session that wants it, and nothing for a clean one (MQTT ${protocolVersion})`, async (t) => {
				await using broker = await kind.open([nas], t.signal);
				await using speaker = await openClient(broker, { username: coordinator, protocolVersion });
				const lasting =
					protocolVersion === 5 ? { properties: { sessionExpiryInterval: 100 } } : { clean: false };
				const resume = (clean: boolean) =>
					openClient(broker, { username: nas, protocolVersion, ...lasting, clean });
				const before = await resume(false);
				await before.mqtt.subscribeAsync(topics.command(nas), { qos: 1 });
				await before.drop();
				await speaker.publish(topics.command(nas), "while away");
				const after = await resume(false);
				assert.equal(text(await after.next(() => true)), "while away");
				await after.drop();
				await speaker.publish(topics.command(nas), "again away");
				await using clean = await resume(true);
				await clean.mqtt.subscribeAsync(topics.command(nas), { qos: 1 });
				await speaker.publish(topics.command(nas), "now");
				assert.equal(text(await clean.next(() => true)), "now");
			});

			it(`refuses a wrong password and an unknown user (MQTT ${protocolVersion})`, async (t) => {
				await using broker = await kind.open([nas], t.signal);
				for (const wrong of [
					{ username: nas, password: "wrong" },
					{ username: "nobody", password: "none" },
				]) {
					await assert.rejects(
						openClient(broker, { ...wrong, protocolVersion }),
						({ code }: Error & { code?: number }) =>
							(protocolVersion === 5 ? [134, 135] : [4, 5]).includes(code ?? 0),
					);
				}
			});

			it(`ends the older connection of a client id, and not that of another account (MQTT ${protocolVersion})`, async (t) => {
				await using broker = await kind.open([nas, pi], t.signal);
				await using older = await openClient(broker, { username: nas, protocolVersion });
				const ended = new Promise<void>((resolve) => older.mqtt.once("close", () => resolve()));
				await using newer = await openClient(broker, { username: nas, protocolVersion });
				await ended;
				// Mosquitto gives the intruder its own id, aedes shows it the door.
				await using _intruder = await openClient(broker, {
					...{ username: pi, protocolVersion, clientId: "davit-nas" },
				}).catch(() => undefined);
				assert.equal(await newer.publish(topics.report(nas), "still here"), undefined);
				assert.equal(newer.mqtt.connected, true);
			});
		}
	});
}
