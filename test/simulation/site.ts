import { createPrivateKey } from "node:crypto";
import { signingKeyOf } from "@davit/coordinator/keys.ts";
import { HostName, PrincipalName, readPublicKey, SiteName } from "@davit/protocol";

export const site = SiteName.parse("home");

/** An Ed25519 key of 32 times the same byte, so that the same seed makes the same bytes everywhere. */
function keyOf(byte: number) {
	const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
	const der = Buffer.concat([prefix, Buffer.alloc(32, byte)]);
	return signingKeyOf(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

export const coordinatorKey = keyOf(1);
export const coordinatorPublicKey = readPublicKey(coordinatorKey.publicKey);
/** Of somebody who is not the coordinator. */
export const foreignKey = keyOf(2);

export const hostNames = ["attic", "barn", "cellar"].map((name) => HostName.parse(name));
export const cli = PrincipalName.parse("cli");
export const homeAssistant = PrincipalName.parse("home-assistant");
