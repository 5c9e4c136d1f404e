/** The API's route of the node's self-examination. */
import type { Handlers } from "../api/server.ts";
import { examineNode, type Patient } from "./doctor.ts";
import { worstOf } from "./finding.ts";

export function doctorHandlers(patient: Patient): Pick<Handlers, "doctor"> {
  return {
    doctor: async () => {
      const findings = await examineNode(patient);
      return { worst: worstOf(findings), findings };
    },
  };
}
