using System.Diagnostics;
using Conductor.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Conductor.Benchmarks.Peers.Contenders.Ours;

/// <summary>Conductor with OpenTelemetry listening to all its spans and metrics: always sampled, exported to memory one by one.</summary>
internal sealed class ObservedConductorContender : ConductorContender
{
    public new const string PlainName = "conductor-otel";

    private readonly LastOnly<Activity> _spans = new();
    private readonly LastOnly<Metric> _metrics = new();
    private TracerProvider _tracing = null!;
    private MeterProvider _metering = null!;

    public override string Name => PlainName;

    public override string Title => "Conductor, OpenTelemetry listening";

    public override string Package => PackageOf("OpenTelemetry", typeof(Sdk));

    public override Task StartAsync()
    {
        _tracing = Sdk.CreateTracerProviderBuilder()
            .AddSource(ConductorTelemetry.SourceName)
            .SetSampler(new AlwaysOnSampler())
            .AddInMemoryExporter(_spans)
            .Build();
        _metering = Sdk.CreateMeterProviderBuilder()
            .AddMeter(ConductorTelemetry.MeterName)
            .AddInMemoryExporter(_metrics)
            .Build();
        return base.StartAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _metering.ForceFlush();
        _metering.Dispose();
        _tracing.Dispose();
        if (!_spans.IsFilled || !_metrics.IsFilled)
        {
            throw new InvalidOperationException("No span or no metric arrived: this measured nothing.");
        }
    }
}
