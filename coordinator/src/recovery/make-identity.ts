/** A secret age key and its public half. It is kept nowhere. The library is loaded only for this. */
export async function makeIdentity(): Promise<{ readonly identity: string; readonly recipient: string }> {
	const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
	const identity = await generateX25519Identity();
	return { identity, recipient: await identityToRecipient(identity) };
}
