/** Put on everything Davit makes in the engine, with the command it was made for. */
export const commandLabel = "davit.command";
