import type { Logger, SiteName } from "@davit/protocol";
import { type Account, type Accounts, PasswordCheck } from "./accounts.ts";
import { mayPublish, maySubscribe, type Rules, rulesOf } from "./rules.ts";

/** What a broker knows of one of its connections. */
export interface Client {
	readonly id: string;
	close(): void;
}

interface Guest {
	readonly account: Account;
	readonly rules: Rules;
	/** What was already said of it, so that a client that tries again and again does not fill the log. */
	readonly denied: Set<string>;
}

const deniedShownPerConnection = 20;

/** Says who comes in and what they may do; every refusal is logged, once per connection and topic. */
export class Gate {
	readonly #accounts: Accounts;
	readonly #site: SiteName;
	readonly #log: Logger;
	readonly #passwords: PasswordCheck;
	/** Outlives the connection: its will is still to be judged. */
	readonly #guests = new WeakMap<Client, Guest>();
	readonly #present = new Set<Client>();

	constructor({ accounts, site, log }: { accounts: Accounts; site: SiteName; log: Logger }) {
		this.#accounts = accounts;
		this.#site = site;
		this.#log = log;
		this.#passwords = new PasswordCheck(accounts);
	}

	/** Lets a client in, or says why not. */
	async admit(
		client: Client,
		{ username, password }: { username: string; password: Buffer },
	): Promise<"admitted" | "unknown" | "client-id"> {
		const account = await this.#passwords.account(username, password);
		if (account === undefined) {
			this.#log.warn({ username, client: client.id }, "refused a wrong user or password");
			return "unknown";
		}
		if (!this.#mayBe(client, account)) {
			this.#log.warn({ username, client: client.id }, "refused a client id that is not this account's");
			return "client-id";
		}
		const rules = rulesOf(account.role, this.#site);
		this.#guests.set(client, { account, rules, denied: new Set() });
		this.#present.add(client);
		return "admitted";
	}

	leave(client: Client): void {
		this.#present.delete(client);
	}

	mayPublish(client: Client, message: { readonly topic: string; readonly retain: boolean }): boolean {
		const guest = this.#guests.get(client);
		if (guest !== undefined && mayPublish(guest.rules, message)) return true;
		this.#tell(guest, message.retain ? "publish retained" : "publish", message.topic);
		return false;
	}

	maySubscribe(client: Client, filter: string): boolean {
		const guest = this.#guests.get(client);
		if (guest !== undefined && maySubscribe(guest.account.role, guest.rules, filter)) return true;
		this.#tell(guest, "subscribe", filter);
		return false;
	}

	username(client: Client): string | undefined {
		return this.#guests.get(client)?.account.username;
	}

	/** Ends every connection of an account. */
	disconnect(username: string): void {
		for (const client of this.#present) {
			if (this.username(client) === username) client.close();
		}
	}

	/** Who connects with a client id ends the connection that has it: so nobody may take that of another account. */
	#mayBe({ id }: Client, { username, role }: Account): boolean {
		if (role.kind === "agent") return id === `davit-${role.host}`;
		const owner = this.#accounts.find(id.replace(/^davit-/, ""));
		if (owner !== undefined && owner.username !== username) return false;
		for (const other of this.#present) {
			if (other.id === id && this.username(other) !== username) return false;
		}
		return true;
	}

	#tell(guest: Guest | undefined, action: string, topic: string): void {
		const what = `${action} ${topic}`;
		if (guest === undefined || guest.denied.has(what)) return;
		if (guest.denied.size >= deniedShownPerConnection) return;
		guest.denied.add(what);
		this.#log.warn({ username: guest.account.username, action, topic }, "refused by the access rules");
	}
}
