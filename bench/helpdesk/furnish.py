"""The tables, the mail templates, two custom fields, a queue, and a staff member whose token is printed.

{"token": ..., "queue": ..., "version": ...}
"""

import json
import os
from importlib.metadata import version

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.helpdesk.settings")
django.setup()
call_command("migrate", verbosity=0)
call_command("loaddata", "emailtemplate.json", verbosity=0)

from django.contrib.auth.models import User  # noqa: E402 - needs django.setup()
from helpdesk.models import CustomField, Queue  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402

staff = User.objects.create_user("bench", is_staff=True, is_superuser=True)
CustomField.objects.create(
    name="product", label="Product", data_type="varchar", max_length=120, required=True, ordering=1
)
CustomField.objects.create(
    name="severity", label="Severity", data_type="list", list_values="low\nmedium\nhigh", required=False, ordering=2
)
queue = Queue.objects.create(title="Support", slug="support")
print(
    json.dumps(
        {"token": Token.objects.create(user=staff).key, "queue": queue.id, "version": version("django-helpdesk")}
    )
)
