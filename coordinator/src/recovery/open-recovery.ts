import {
	type Description,
	instantOf,
	kitNumber,
	OperationError,
	type PrincipalName,
	type RecoveryDocument,
	type RecoveryKitDocument,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { greet } from "../outbox/answer-sync.ts";
import { authoriseOperator } from "../requests/authorise.ts";
import { drawCode } from "./draw-code.ts";
import { makeIdentity } from "./make-identity.ts";
import type { KitMemory } from "./remember-kits.ts";
import { kitPage, kitText } from "./write-kit.ts";

/** The way back when everything but the archives is gone. */
export interface Recovery {
	document(): RecoveryDocument;
	/**
	 * A kit; with a new key where `withKey` or none is known, which then is in it and nowhere else, and counts only once `save`d.
	 * @throws OperationError not-allowed
	 */
	make(wish: { readonly withKey: boolean }, principal: PrincipalName): Promise<RecoveryKitDocument>;
	/**
	 * Somebody has the kit of that number (or recipient): archives are encrypted for its key from now on.
	 * @throws OperationError not-allowed | key-invalid
	 */
	save(kit: string, principal: PrincipalName): Promise<RecoveryDocument>;
}

export function openRecovery(core: Core, memory: KitMemory): Recovery {
	/** Made in this life of the coordinator, and not saved yet: recipients alone. */
	const waiting = new Set<string>();
	const document = () => recoveryDocument(core, memory);
	return {
		document,
		async make({ withKey }, principal) {
			authoriseOperator(principal, "make a recovery kit");
			const [newest] = memory.kits;
			const made = withKey || newest === undefined ? await makeIdentity() : undefined;
			const recipient = made?.recipient ?? newest?.recipient ?? "";
			if (made !== undefined) waiting.add(recipient);
			const { asOf, places, provenAt } = document();
			const identity = made?.identity;
			const content = { site: core.site, recipient, identity, madeAt: asOf, places, provenAt };
			return {
				schema: "davit/recovery-kit/1",
				...{ number: kitNumber(recipient), recipient, madeAt: asOf, hasKey: identity !== undefined },
				text: kitText(content),
				html: kitPage(content, identity === undefined ? undefined : await drawCode(identity)),
			};
		},
		async save(kit, principal) {
			authoriseOperator(principal, "save a recovery kit");
			const known = [...waiting, ...memory.kits.map(({ recipient }) => recipient)];
			const recipient = known.find((one) => one === kit || kitNumber(one) === kit);
			if (recipient === undefined) {
				throw new OperationError(
					"key-invalid",
					`no recovery kit has the number ${JSON.stringify(kit.slice(0, 80))}`,
				);
			}
			const { asOf, places } = document();
			await memory.add({ recipient, savedAt: asOf, places: places.map(({ at }) => at) });
			waiting.delete(recipient);
			for (const entry of core.fleet.hosts()) {
				const { online, session, record } = entry;
				if (online && session !== undefined) greet(core, record.host, { session });
			}
			core.log.info({ recipient, principal }, "a recovery kit was saved");
			return document();
		},
	};
}

type Repository = NonNullable<Description["repositories"]>[number];

const make = "davit recovery-kit -o FILE";

function recoveryDocument(core: Core, { kits }: KitMemory): RecoveryDocument {
	const places = placesOf(core);
	const [newest] = kits;
	const unknown = places.filter(({ at }) => newest?.places.includes(at) === false);
	const state = newest === undefined ? "unsaved" : unknown.length === 0 ? "saved" : "stale";
	const sentences = {
		unsaved: "Nobody has a recovery kit: archives are not encrypted, and nothing counts as safe off-site.",
		saved: `Recovery kit ${kitNumber(newest?.recipient ?? "")} opens every archive since ${newest?.savedAt ?? "never"}.`,
		stale: `The recovery kit does not know of ${unknown.map(({ name }) => name).join(", ")}.`,
	};
	return {
		schema: "davit/recovery/1",
		asOf: instantOf(core.now()),
		...{ state, sentence: sentences[state], do: state === "saved" ? "keep it in another house" : make },
		kits: kits.map(({ recipient, savedAt }) => ({ number: kitNumber(recipient), recipient, savedAt })),
		places,
		provenAt: provenAt(core),
	};
}

/** When an archive was last restored and compared, on any host. */
function provenAt(core: Core): RecoveryDocument["provenAt"] {
	const times = [...core.fleet.hosts()].flatMap(({ resources }) =>
		[...resources.values()].flatMap(({ state }) => state?.lastProvenRestore?.at ?? []),
	);
	return times.sort().at(-1) ?? null;
}

/** Each host's own folder, and the repositories that it may write into. */
function placesOf(core: Core): RecoveryDocument["places"] {
	return [...core.fleet.hosts()].flatMap(({ record: { host, description } }) => {
		if (description === null) return [];
		const { archivesPath, repositories = [] } = description;
		return [
			{ name: host, at: archivesPath, note: "folders on this host's disk" },
			...repositories.map((repository) => repositoryPlace(host, repository)),
		];
	});
}

function repositoryPlace(
	host: string,
	{ name, url, passwordFile }: Repository,
): RecoveryDocument["places"][number] {
	const restic = `restic -r '${url.replaceAll("'", "'\\''")}'`;
	return {
		name: `${host}: repository ${name}`,
		at: url,
		note: `restic; its password is in ${passwordFile} on ${host}: write it on this kit, Davit does not know it`,
		commands: [
			`${restic} check`,
			`${restic} snapshots --host ${host}`,
			`${restic} restore SNAPSHOT --sparse --target /an/empty/folder`,
		],
	};
}
