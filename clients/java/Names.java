/** The names of the policy. Made by `rolewarden constants` from a policy folder. */
public final class Names {

    public static final class Screen {
        public static final String TASK_PATIENT_PORTAL_LIST = "Task - Patient Portal - List";
        public static final String TASK_PATIENT_PORTAL = "Task - Patient Portal";
        public static final String TASK_COMMUNICATION = "Task - Communication";
        public static final String TASK_ORDERS = "Task - Orders";
        public static final String TASK_RESULTS = "Task - Results";
        public static final String TASK_SUPERBILL = "Task - Superbill";
        public static final String TASK_SOAP_NOTES = "Task - SOAP Notes";
        public static final String TASK_EDOCUMENTS = "Task - eDocuments";
        public static final String TASK_PRESCRIPTION = "Task - Prescription";
        public static final String TASK_REMINDER = "Task - Reminder";
        public static final String TASK_FAX = "Task - Fax";
        public static final String TASK_FAX_UPDOCX = "Task - Fax Updocx";
        public static final String TASK_CASE_MGMT = "Task - Case Mgmt.";
        public static final String TASK_NYSED = "Task - NYSED";
        public static final String SETUP_ROLES = "Setup - Roles";
        public static final String SETUP_USERS = "Setup - Users";
        public static final String AUDIT_POLICY_CHANGES = "Audit - Policy Changes";

        private Screen() {}
    }

    public static final class Action {
        public static final String ADD = "add";
        public static final String EDIT = "edit";
        public static final String OPEN_MESSAGE = "open_message";
        public static final String OPEN_QUEUE = "open_queue";
        public static final String RESPOND = "respond";
        public static final String SIGN = "sign";
        public static final String VIEW = "view";

        private Action() {}
    }

    public static final class Reason {
        public static final String ALLOWED = "allowed";
        public static final String NO_LEVEL = "no_level";
        public static final String UNKNOWN_PRACTICE = "unknown_practice";
        public static final String UNKNOWN_USER = "unknown_user";
        public static final String INACTIVE_USER = "inactive_user";
        public static final String UNKNOWN_SCREEN = "unknown_screen";
        public static final String UNKNOWN_ACTION = "unknown_action";
        public static final String NO_RULE = "no_rule";
        public static final String UNKNOWN_SUBJECT = "unknown_subject";
        public static final String UNKNOWN_RESOURCE = "unknown_resource";
        public static final String UNKNOWN_TYPE = "unknown_type";
        public static final String PRACTICE_MISSING = "practice_missing";
        public static final String VALUE_TOO_LONG = "value_too_long";
        public static final String POLICY_UNAVAILABLE = "policy_unavailable";
        public static final String POLICY_TOO_OLD = "policy_too_old";
        public static final String ROWS_ALTERED = "rows_altered";

        private Reason() {}
    }

    private Names() {}
}
