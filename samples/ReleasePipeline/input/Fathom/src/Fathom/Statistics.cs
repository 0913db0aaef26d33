namespace Fathom
{
  /// <summary>Sums up quantities of one dimension.</summary>
  public static class Statistics
  {
      /// <summary>The sum, in the first quantity's unit.</summary>
      /// <param name="quantities">At least one; all of one dimension.</param>
      public static Quantity Sum(IEnumerable<Quantity> quantities) {
          ArgumentNullException.ThrowIfNull(quantities);
          return quantities.Aggregate( (sum,next)=>sum+next );
      }

	/// <summary>The mean, in the first quantity's unit.</summary>
	/// <param name="quantities">At least one; all of one dimension.</param>
	public static Quantity Mean(IReadOnlyCollection<Quantity> quantities)
	{
		ArgumentNullException.ThrowIfNull(quantities);
		if (!quantities.Any()) throw new ArgumentException( "There is nothing to take the mean of.",nameof(quantities) );
		return Sum(quantities)*(1m/quantities.Count);
	}

      /// <summary>The longest name of the units used, for laying out columns.</summary>
      /// <param name="quantities">Quantities.</param>
      public static string LongestUnitName(IEnumerable<Quantity> quantities)
      {
          ArgumentNullException.ThrowIfNull(quantities);
          string longest = "";
          foreach (var quantity in quantities) { if (quantity.Unit.Name.Length>longest.Length) longest = quantity.Unit.Name; }
          return longest.ToUpper();
      }
  }
}
