namespace Conductor.Benchmarks.Peers.Report;

/// <summary>Numbers as people read them.</summary>
internal static class Format
{
    /// <summary>What stands where there is no figure.</summary>
    public const string None = "";

    public static string Time(double? nanoseconds) => nanoseconds switch
    {
        null => None,
        < 1_000 => $"{Digits(nanoseconds.Value)} ns",
        < 1_000_000 => $"{Digits(nanoseconds.Value / 1_000)} µs",
        < 1_000_000_000 => $"{Digits(nanoseconds.Value / 1_000_000)} ms",
        _ => $"{Digits(nanoseconds.Value / 1_000_000_000)} s",
    };

    public static string Bytes(double? bytes) => bytes is null ? None : $"{bytes:N0} B";

    public static string Ratio(double? over, double? under) => over is null || under is null or 0 ? None : $"{Digits(over.Value / under.Value)}×";

    /// <summary>Three digits, or all before the point.</summary>
    private static string Digits(double value) => value switch
    {
        < 0.1 => $"{value:0.000}",
        < 10 => $"{value:0.00}",
        < 100 => $"{value:0.0}",
        _ => $"{value:N0}",
    };
}
