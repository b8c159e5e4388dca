"""The tables of events."""

import events.models
import events.validators
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=200)),
                ("place", models.CharField(blank=True, max_length=200)),
                ("starts_at", models.DateTimeField()),
                ("programme_file", models.FileField(upload_to=events.models.programme_key, validators=[events.validators.PdfValidator()])),
                ("guide_file", models.FileField(blank=True, upload_to=events.models.guide_key, validators=[events.validators.PdfValidator()])),
                ("editors", models.ManyToManyField(blank=True, related_name="edited", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ["starts_at", "id"],
            },
        ),
    ]
