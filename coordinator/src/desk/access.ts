import { type HostName, instantOf, OperationError, type PrincipalName, readPublicKey } from "@davit/protocol";
import { hashPassword, isPassword, newPassword } from "../broker/accounts.ts";
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
	/**
	 * The password that an account has for good: of the embedded broker made from a secret of this machine's, of another one
	 * found in the file that `davit broker-config` wrote. Undefined where there is none.
	 */
	passwordOf(username: string): string | undefined;
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
export function checkInvitation(
	core: Core,
	{ host, principal }: { host: HostName; principal: PrincipalName },
	broker: BrokerDoor,
): void {
	authoriseOperator(principal, `invite ${host}`);
	checkHostName(host);
	if (core.fleet.isOnline(host)) {
		throw new OperationError(
			"host-name-taken",
			`${host} was not invited: an agent of that name is connected`,
		);
	}
	if (!broker.isEmbedded) outsideAccount(host, broker);
}

/** @throws OperationError not-allowed where the broker has no account for the host, which would then be let in and never heard */
function outsideAccount(host: HostName, broker: BrokerDoor): { username: string; password: string } {
	const password = broker.passwordOf(host);
	if (password !== undefined) return { username: host, password };
	throw new OperationError(
		"not-allowed",
		`the broker has no account for ${host} that this coordinator knows of`,
		{
			hint: `davit broker-config DIR --host ${host}, reload the broker, and start Davit with --broker-accounts DIR/accounts.json`,
		},
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
		: (broker.own ?? outsideAccount(host, broker));
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
	await saveAccount(core, { username, role, password }, broker);
	return password;
}

/**
 * What a client other than a host connects with; asked again it is the same, so nobody who uses it is cut off.
 * @throws OperationError not-allowed where the broker is not Davit's own and no file names the account
 */
export async function keepAccount(
	core: Core,
	{ username, role }: { username: string; role: Role },
	broker: BrokerDoor,
): Promise<string> {
	const password = broker.passwordOf(username);
	if (password === undefined) {
		throw new OperationError(
			"not-allowed",
			`account ${username} was not made: the broker is not Davit's own`,
			{
				hint: "davit broker-config DIR writes accounts for a Mosquitto of yours",
			},
		);
	}
	const known = core.history.accounts.find(username)?.passwordHash;
	const isKept = known !== undefined && (await isPassword(known, Buffer.from(password)));
	if (broker.isEmbedded && !isKept) await saveAccount(core, { username, role, password }, broker);
	return password;
}

async function saveAccount(
	core: Core,
	{ username, role, password }: { username: string; role: Role; password: string },
	broker: Pick<BrokerDoor, "disconnect">,
): Promise<void> {
	const passwordHash = await hashPassword(password);
	const account = { username, role, passwordHash, madeAt: instantOf(core.now()) };
	core.history.write("account", () => core.history.accounts.save(account));
	broker.disconnect(username);
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
