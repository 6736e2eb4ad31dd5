import { memoryHistory } from "../../../src/history/memory.ts";
import { historyContract } from "../../support/history-contract.ts";

historyContract("memory", async () => {
  const history = memoryHistory();
  return { history, beside: async () => history, stop: history.close };
});
