import { recipientOf } from "./age-header.ts";
import { openKeyring, readIdentities } from "./keyring.ts";

/** Keys of a host as they are shown: never the secret half. */
export interface ShownKeys {
	/** What was done: `add`, `rotate` or `list`. */
	readonly did: string;
	/** Recipients that were added or made. */
	readonly fresh: readonly string[];
	/** Recipients whose archives this host opens, the newest own key first. */
	readonly opens: readonly string[];
	/** For whom it encrypts; empty = it does not. */
	readonly encryptsFor: readonly string[];
}

/**
 * Looks at or changes the keys of the host at `home`. A running agent takes the change at its next archive.
 * @throws OperationError key-invalid
 */
export async function keepKeys(
	did: "add" | "rotate" | "list",
	{ home, file }: { readonly home: string; readonly file: string | undefined },
): Promise<ShownKeys> {
	const keyring = openKeyring(home);
	const fresh =
		did === "rotate"
			? [await keyring.rotate()]
			: did === "add" && file !== undefined
				? await keyring.add(await readIdentities(file), file)
				: [];
	const identities = await keyring.identities();
	const holders = (await keyring.holders()) ?? [];
	return {
		did,
		fresh,
		opens: await Promise.all(identities.map((identity) => recipientOf(identity, home))),
		encryptsFor: holders.map(({ recipient }) => recipient),
	};
}
