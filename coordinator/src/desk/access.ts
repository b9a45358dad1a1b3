import { createHash, randomBytes } from "node:crypto";
import {
	type HostName,
	type Instant,
	instantOf,
	OperationError,
	type PrincipalName,
	readPublicKey,
} from "@davit/protocol";
import { hashPassword, newPassword } from "../broker/accounts.ts";
import type { Role } from "../broker/rules.ts";
import type { Core } from "../core/context.ts";
import type { Admission, Admitted } from "../desk.ts";
import { authoriseOperator } from "../requests/authorise.ts";

/** The broker, as far as letting somebody in needs it. */
export interface BrokerDoor {
	/** Whether its accounts are the coordinator's own. */
	readonly isEmbedded: boolean;
	/** How other machines reach it. */
	readonly url: string;
	/** Ends the connections of an account that got another password. */
	disconnect(username: string): void;
}

const invitationMs = 15 * 60_000;

/** A secret that lets one host in, once, within 15 minutes; only its digest is kept. */
export function makeInvitation(
	core: Core,
	host: HostName,
	principal: PrincipalName,
): { secret: string; expiresAt: Instant } {
	authoriseOperator(principal, `invite ${host}`);
	const known = core.fleet.find(host);
	if (known?.online) {
		throw new OperationError(
			"host-name-taken",
			`${host} was not invited: an agent of that name is connected`,
		);
	}
	const secret = randomBytes(24).toString("base64url");
	const expiresMs = core.now() + invitationMs;
	core.history.write("invitation", () =>
		core.history.accounts.invite({ secretHash: digestOf(secret), host, expiresMs, usedAt: null }),
	);
	core.log.info({ host, principal }, "a host was invited");
	return { secret, expiresAt: instantOf(expiresMs) };
}

/** Uses an invitation up and says for which host it was. @throws OperationError token-invalid */
export function redeemInvitation(core: Core, secret: string): HostName {
	const host = core.history.write("invitation", () =>
		core.history.accounts.redeem(digestOf(secret), core.now()),
	);
	if (host !== undefined) return host;
	throw new OperationError(
		"token-invalid",
		"a host was not let in: its joining string is wrong, used or too old",
	);
}

/**
 * Lets a host in: its key is the one its name stands for from now on, and it gets a broker account of its own.
 * @throws OperationError not-allowed | host-name-taken | request-malformed
 */
export async function admitHost(
	core: Core,
	{ host, publicKey, principal }: Admission & { principal: PrincipalName },
	broker: BrokerDoor,
): Promise<Admitted> {
	authoriseOperator(principal, `admit ${host}`);
	checkKey(publicKey);
	const known = core.fleet.find(host);
	const isOther = known?.record.publicKey != null && known.record.publicKey !== publicKey;
	if (known?.online && isOther) {
		throw new OperationError(
			"host-name-taken",
			`${host} was not admitted: an agent of that name is connected`,
		);
	}
	const password = broker.isEmbedded
		? await makeAccount(core, { username: host, role: { kind: "agent", host } }, broker)
		: "";
	core.fleet.save(core.fleet.meet(host), { publicKey, admittedAt: instantOf(core.now()) });
	core.changes.host(host);
	core.log.info({ host, principal }, "a host was admitted");
	return {
		site: core.site,
		host,
		coordinatorKey: core.key.publicKey,
		broker: { url: broker.url, username: host, password },
	};
}

/** Makes an account of the embedded broker, or gives it another password; whoever used the old one is disconnected. */
export async function makeAccount(
	core: Core,
	{ username, role }: { username: string; role: Role },
	broker: Pick<BrokerDoor, "disconnect">,
): Promise<string> {
	const password = newPassword();
	const account = {
		username,
		role,
		passwordHash: await hashPassword(password),
		madeAt: instantOf(core.now()),
	};
	core.history.write("account", () => core.history.accounts.save(account));
	broker.disconnect(username);
	return password;
}

function checkKey(publicKey: string): void {
	try {
		if (readPublicKey(publicKey).asymmetricKeyType === "ed25519") return;
	} catch (error) {
		throw new OperationError("request-malformed", "a host's public key cannot be read", { cause: error });
	}
	throw new OperationError("request-malformed", "a host's public key is not an Ed25519 key");
}

function digestOf(secret: string): string {
	return createHash("sha256").update(secret).digest("hex");
}
