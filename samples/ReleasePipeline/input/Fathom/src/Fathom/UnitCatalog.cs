using System.Collections.Frozen;
using System.Globalization;

namespace Fathom;

/// <summary>The units there are. They come from the table <c>units.tsv</c> beside the assembly.</summary>
public static class UnitCatalog
{
    private static readonly FrozenDictionary<string, Unit> Units = Read(Path.Combine(AppContext.BaseDirectory, "units.tsv"));

    /// <summary>Every unit, by symbol.</summary>
    public static IReadOnlyCollection<Unit> All => Units.Values;

    /// <summary>The unit with this symbol.</summary>
    /// <param name="symbol">The symbol, such as <c>km</c>; case matters.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static Unit Get(string symbol) =>
        TryGet(symbol, out var unit) ? unit! : throw new ArgumentException($"There is no unit '{symbol}'.", nameof(symbol));

    /// <summary>The unit with this symbol, if there is one.</summary>
    /// <param name="symbol">The symbol; case matters.</param>
    /// <param name="unit">The unit, or null.</param>
    /// <returns>Whether there is one.</returns>
    public static bool TryGet(string symbol, out Unit? unit) => Units.TryGetValue(symbol, out unit);

    private static FrozenDictionary<string, Unit> Read(string file) => File.ReadLines(file)
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split('\t'))
        .Select(cells => new Unit(
            cells[0], cells[1], Enum.Parse<Dimension>(cells[2], ignoreCase: true), decimal.Parse(cells[3], CultureInfo.InvariantCulture)))
        .ToFrozenDictionary(unit => unit.Symbol, StringComparer.Ordinal);
}
