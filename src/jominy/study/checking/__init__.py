"""Is a run normal: logs against what healthy runs do."""

from jominy.study.checking.check import check as check
from jominy.study.checking.companion import Companion as Companion
from jominy.study.checking.verdict import Cause as Cause
from jominy.study.checking.verdict import Verdict as Verdict
