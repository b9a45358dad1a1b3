import type { Proof } from "@davit/protocol";
import type { Core } from "../core/context.ts";

/** What of an archive's proof counts: a copy elsewhere is not safe while nobody has the kit that opens it when the hosts are gone. */
export function countProof(
	{ recoveryRecipients }: Pick<Core, "recoveryRecipients">,
	proof: readonly Proof[],
): Proof[] {
	const hasKit = (recoveryRecipients?.() ?? []).length > 0;
	return proof.filter((word) => hasKit || word !== "off-site");
}
