import { createHmac } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Logger } from "@davit/protocol";
import type { SessionOptions } from "@davit/protocol/mqtt";
import { type Account, hashPassword, newPassword } from "./broker/accounts.ts";
import { type EmbeddedBroker, openEmbeddedBroker } from "./broker/embedded.ts";
import { readBrokerPassword } from "./broker/read-accounts.ts";
import { type CoordinatorConfig, isLoopback } from "./config.ts";
import type { BrokerDoor } from "./desk/access.ts";
import type { History } from "./history/history.ts";
import { openSecret } from "./keys.ts";
import { readAuthority } from "./wire.ts";

/** The coordinator's own account on the embedded broker, with a password that only this process knows. */
const ownName = "coordinator";

interface Broker {
	/** For a person. */
	readonly name: string;
	/** How the coordinator itself connects. */
	readonly session: Pick<
		SessionOptions,
		"url" | "username" | "password" | "certificateAuthority" | "clientId"
	>;
	readonly door: BrokerDoor;
	/** Ends the embedded broker. */
	readonly embedded: EmbeddedBroker | undefined;
}

/** Opens the embedded broker, or says how to reach the other one. @throws OperationError port-taken | configuration-invalid */
export async function openBroker(
	config: CoordinatorConfig,
	{ history, log }: { history: History; log: Logger },
): Promise<Broker> {
	const { broker } = config;
	if (broker.kind === "embedded") return openOwn(config, broker, { history, log });
	const { url, username, password, certificateAuthorityFile, accountsFile } = broker;
	return {
		name: new URL(url).host,
		session: {
			...{ url, username, password, clientId: `davit-${ownName}` },
			certificateAuthority:
				certificateAuthorityFile === undefined ? undefined : readAuthority(certificateAuthorityFile),
		},
		door: {
			isEmbedded: false,
			url,
			...(username === undefined ? {} : { own: { username, password: password ?? "" } }),
			passwordOf: (host) => (accountsFile === undefined ? undefined : readBrokerPassword(accountsFile, host)),
			disconnect: () => undefined,
		},
		embedded: undefined,
	};
}

async function openOwn(
	config: CoordinatorConfig,
	{ host, port }: { host: string; port: number },
	{ history, log }: { history: History; log: Logger },
): Promise<Broker> {
	const password = newPassword();
	const secret = await openSecret(join(config.home, "coordinator", "accounts.key"));
	const own: Account = {
		username: ownName,
		role: { kind: "coordinator" },
		passwordHash: await hashPassword(password),
	};
	const embedded = await openEmbeddedBroker({
		...{ host, port, log, site: config.site },
		accounts: { find: (username) => (username === ownName ? own : history.accounts.find(username)) },
	});
	const address = isLoopback(host) ? host : (config.reachableAt ?? ownAddress());
	log.info({ host, port: embedded.port }, "the embedded broker serves MQTT 5 and 3.1.1");
	return {
		name: `embedded, ${address}:${embedded.port}`,
		session: { url: embedded.url, username: ownName, password, clientId: `davit-${ownName}` },
		door: {
			isEmbedded: true,
			url: `mqtt://${address.includes(":") ? `[${address}]` : address}:${embedded.port}`,
			passwordOf: (username) =>
				createHmac("sha256", secret).update(`account ${username}`).digest("base64url"),
			disconnect: (username) => embedded.disconnect(username),
		},
		embedded,
	};
}

/** The first address by which others may reach this machine. */
export function ownAddress(): string {
	const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
	return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? hostname();
}
