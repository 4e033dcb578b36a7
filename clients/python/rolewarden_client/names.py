"""The names of the policy. Made by `rolewarden constants` from a policy folder."""

from enum import StrEnum


class Screen(StrEnum):
    """A screen."""

    TASK_PATIENT_PORTAL_LIST = "Task - Patient Portal - List"
    TASK_PATIENT_PORTAL = "Task - Patient Portal"
    TASK_COMMUNICATION = "Task - Communication"
    TASK_ORDERS = "Task - Orders"
    TASK_RESULTS = "Task - Results"
    TASK_SUPERBILL = "Task - Superbill"
    TASK_SOAP_NOTES = "Task - SOAP Notes"
    TASK_EDOCUMENTS = "Task - eDocuments"
    TASK_PRESCRIPTION = "Task - Prescription"
    TASK_REMINDER = "Task - Reminder"
    TASK_FAX = "Task - Fax"
    TASK_FAX_UPDOCX = "Task - Fax Updocx"
    TASK_CASE_MGMT = "Task - Case Mgmt."
    TASK_NYSED = "Task - NYSED"
    SETUP_ROLES = "Setup - Roles"
    SETUP_USERS = "Setup - Users"
    AUDIT_POLICY_CHANGES = "Audit - Policy Changes"


class Action(StrEnum):
    """What can be asked about screens."""

    ADD = "add"
    EDIT = "edit"
    OPEN_MESSAGE = "open_message"
    OPEN_QUEUE = "open_queue"
    RESPOND = "respond"
    SIGN = "sign"
    VIEW = "view"


class Reason(StrEnum):
    """Why a decision is what it is."""

    ALLOWED = "allowed"
    NO_LEVEL = "no_level"
    UNKNOWN_PRACTICE = "unknown_practice"
    UNKNOWN_USER = "unknown_user"
    INACTIVE_USER = "inactive_user"
    UNKNOWN_SCREEN = "unknown_screen"
    UNKNOWN_ACTION = "unknown_action"
    NO_RULE = "no_rule"
    UNKNOWN_SUBJECT = "unknown_subject"
    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_TYPE = "unknown_type"
    PRACTICE_MISSING = "practice_missing"
    VALUE_TOO_LONG = "value_too_long"
    POLICY_UNAVAILABLE = "policy_unavailable"
    POLICY_TOO_OLD = "policy_too_old"
    ROWS_ALTERED = "rows_altered"
