"""Attacks under audit: how much of a known worst case an attack reaches, and what is wrong with it."""

from jominy.audits.adapters import from_art as from_art
from jominy.audits.adapters import from_autoattack as from_autoattack
from jominy.audits.adapters import from_foolbox as from_foolbox
from jominy.audits.adapters import from_torchattacks as from_torchattacks
from jominy.audits.audit import Audit as Audit
from jominy.audits.audit import audit as audit
from jominy.audits.findings import Finding as Finding
from jominy.audits.threat import Threat as Threat
