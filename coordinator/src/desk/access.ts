import { type HostName, instantOf, OperationError, type PrincipalName, readPublicKey } from "@davit/protocol";
import { hashPassword, newPassword } from "../broker/accounts.ts";
import type { Role } from "../broker/rules.ts";
import type { Core } from "../core/context.ts";
import type { Admission, Admitted } from "../desk.ts";
import type { Invitations } from "../join/invitations.ts";
import { authoriseOperator } from "../requests/authorise.ts";

/** The broker, as far as letting somebody in needs it. */
export interface BrokerDoor {
	/** Whether its accounts are the coordinator's own. */
	readonly isEmbedded: boolean;
	/** How other machines reach it. */
	readonly url: string;
	/** What this machine's own agent uses where accounts are not the coordinator's to make; anybody else is given them by hand. */
	readonly own?: { readonly username: string; readonly password: string };
	/** Ends the connections of an account that got another password. */
	disconnect(username: string): void;
}

/** Names that accounts other than hosts' have. */
const reservedNames: readonly string[] = ["coordinator", "home-assistant", "integration"];

/** Where the door for new hosts keeps its invitations. */
export function invitationsOf({ history }: Core): Invitations {
	return {
		save: (invitation) =>
			history.write("invitation", () => history.accounts.invite({ ...invitation, usedAt: null })),
		redeem: (secretHash, nowMs) =>
			history.write("invitation", () => history.accounts.redeem(secretHash, nowMs)),
	};
}

/** @throws OperationError not-allowed | host-name-taken */
export function checkInvitation(core: Core, host: HostName, principal: PrincipalName): void {
	authoriseOperator(principal, `invite ${host}`);
	checkHostName(host);
	if (!core.fleet.isOnline(host)) return;
	throw new OperationError("host-name-taken", `${host} was not invited: an agent of that name is connected`);
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
	checkHostName(host);
	checkKey(publicKey);
	const known = core.fleet.find(host);
	const isOther = known?.record.publicKey != null && known.record.publicKey !== publicKey;
	if (known?.online && isOther) {
		throw new OperationError(
			"host-name-taken",
			`${host} was not admitted: an agent of that name is connected`,
		);
	}
	const account = broker.isEmbedded
		? {
				username: host,
				password: await makeAccount(core, { username: host, role: { kind: "agent", host } }, broker),
			}
		: (broker.own ?? { username: host, password: "" });
	core.fleet.save(core.fleet.meet(host), { publicKey, admittedAt: instantOf(core.now()) });
	core.changes.host(host);
	core.log.info({ host, principal }, "a host was admitted");
	return {
		site: core.site,
		host,
		coordinatorKey: core.key.publicKey,
		broker: { url: broker.url, ...account },
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

function checkHostName(host: HostName): void {
	if (!reservedNames.includes(host)) return;
	throw new OperationError(
		"host-name-taken",
		`a host cannot be called ${host}: an account of Davit's own is`,
	);
}
